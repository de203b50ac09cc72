"""How much one file may ask of the machine, and how a reader reports and stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.contracts import Frozen
from assistant.errors import IntakeError
from knowledge.intake.values import Notice, Place

MIB = 2**20
# done, of all, and what is counted: 页, 行, 段, 条 (pages, rows, paragraphs, passages)
Progress = Callable[[int, int, str], None]


class Limits(Frozen):
    """Limits of one file. Sizes in bytes unless the name says otherwise."""

    file: int = 50 * MIB
    unpacked: int = 200 * MIB  # all parts of a docx or xlsx together
    ratio: int = 150  # unpacked to packed, of a part over 1 MiB
    parts: int = 5_000
    pages: int = 1_500
    rows: int = 20_000
    columns: int = 60
    characters: int = 2_000_000
    cell: int = 5_000  # characters of one cell
    pixels: int = 60_000_000
    ocr: bool = True  # read scanned pages when a reader of pictures is installed
    memory_mib: int = 2_048  # address space of the reading process
    seconds: float = 300.0


@dataclass
class Desk:
    """What a reader works with: limits, a way to report progress, and the notices so far."""

    limits: Limits = field(default_factory=Limits)
    progress: Progress = lambda done, total, unit: None
    notices: list[Notice] = field(default_factory=list)
    characters: int = 0

    def note(self, code: str, message: str, hint: str = "", place: Place | None = None) -> None:
        """Something that staff should know."""
        self.notices.append(Notice(level="note", code=code, message=message, hint=hint, place=place or Place()))

    def warn(self, code: str, message: str, hint: str = "", place: Place | None = None) -> None:
        """Something that staff should look at."""
        self.notices.append(Notice(level="warning", code=code, message=message, hint=hint, place=place or Place()))

    def skip(self, code: str, message: str, hint: str = "", place: Place | None = None) -> None:
        """A page, row or part that was left out."""
        self.notices.append(Notice(level="skipped", code=code, message=message, hint=hint, place=place or Place()))

    def count(self, text: str) -> str:
        """``text``, counted; raises IntakeError when the file holds more than the limit."""
        self.characters += len(text)
        if self.characters > self.limits.characters:
            raise IntakeError(
                f"这个文件里的文字超过{self.limits.characters // 10_000}万字，太长了。",
                "请把它分成几个文件，再一个一个上传。",
                code="too_long",
            )
        return text
