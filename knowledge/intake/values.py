"""What taking in gives back: the preview of one file, as typed values that travel as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from assistant.contracts import Document, FactKind, Frozen, Passage, Target

Kind = Literal["markdown", "text", "html", "docx", "pdf", "xlsx", "csv", "image"]


class Place(Frozen):
    """Where in the file something is; numbers count from 1, 0 is unknown."""

    page: int = 0
    sheet: str = ""
    row: int = 0
    line: int = 0  # line or paragraph

    def __str__(self) -> str:
        parts = [f"第{self.page}页" if self.page else "", f"表“{self.sheet}”" if self.sheet else ""]
        parts += [f"第{self.row}行" if self.row else "", f"第{self.line}段" if self.line and not self.row else ""]
        return "".join(parts)


class Notice(Frozen):
    """Something that staff should know: what happened, where, and what to do about it.

    ``note`` informs, ``warning`` wants a look, ``skipped`` names a page, row or part that was not
    taken in. ``code`` is a word for programs.
    """

    level: Literal["note", "warning", "skipped"]
    code: str
    message: str
    hint: str = ""
    place: Place = Place()

    def __str__(self) -> str:
        where = str(self.place)
        return f"{where}{'：' if where else ''}{self.message}{self.hint}"


class Change(Frozen):
    """One thing that cleaning changed: old and new words, with a few characters around them."""

    rule: str
    old: str
    new: str
    place: Place = Place()
    count: int = 1  # how often the same change was made


class FoundDate(Frozen):
    """A date in the text. ``role`` says what for; ``value`` is None where only a year or month stands."""

    text: str
    value: date | None
    role: Literal["issued", "valid_from", "valid_until", "deadline", "mentioned"]
    passage: str = ""


class FoundDepartment(Frozen):
    """A department named in the text, and the passages that name it."""

    name: str
    known: bool  # named by what is published, or by a list of who is responsible
    passages: tuple[str, ...]


class FoundTarget(Frozen):
    """A measurable target and the passage that states it."""

    passage: str
    target: Target


class PersonalData(Frozen):
    """Personal data, and what may stand there instead.

    ``start`` and ``end`` are places in the body or, where ``card`` names a card's id and field
    (shitang.phone), in that field's text.
    """

    kind: Literal["id_number", "mobile", "bank_card", "email", "name_and_address", "plate", "office_phone"]
    text: str
    start: int
    end: int
    replacement: str
    certain: bool = True
    where: str = ""  # passage id
    card: str = ""
    hint: str = ""


class Duplicate(Frozen):
    """A passage that is published already, word for word (similarity 1) or nearly."""

    passage: str
    text: str
    published: str  # passage id
    doc: str
    title: str
    published_text: str
    similarity: float


class Contradiction(Frozen):
    """The same fact with another figure: what the file says, and what is published."""

    kind: FactKind
    passage: str
    text: str
    value: str
    published: str  # passage id
    doc: str
    title: str
    published_text: str
    published_value: str


class Overlap(Frozen):
    """How much of the file a published document says already, 0 to 1."""

    doc: str
    title: str
    share: float
    same_document: bool = False  # same id or title: this is another version of it


class Proposed(Frozen):
    """A field of the front matter as proposed, and the words that it was read from."""

    name: str
    label: str
    value: str = ""
    because: str = ""
    must_fill: bool = False  # empty, and publishing wants it


class Order(Frozen):
    """Words that give orders to a model: kept as data, never spoken, shown to staff."""

    text: str
    passage: str = ""
    place: Place = Place()


class Table(Frozen):
    """A table of the file: its header, its rows, and what became of them."""

    place: Place
    caption: str = ""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    used_as: Literal["cards", "sentences"]


class CardDraft(Frozen):
    """One row as a service card; with ``problems`` it is left out until they are mended."""

    place: Place
    name: str
    card: dict[str, Any] = Field(default_factory=dict)  # as a card file holds it
    problems: tuple[str, ...] = ()


class Node(Frozen):
    """A part of the parsed tree: document, chapter, article or sentence."""

    kind: Literal["document", "chapter", "article", "sentence", "card", "field", "about"]
    title: str
    number: int | None = None
    passage: str = ""
    children: tuple[Node, ...] = ()


class Intake(Frozen):
    """The preview of one file; nothing of it is published."""

    name: str
    kind: Kind
    digest: str  # sha256 of the file
    size: int  # bytes
    pages: int = 0  # pages of a PDF or picture
    rows: int = 0  # rows of tables read
    document: Document
    front: tuple[Proposed, ...] = ()
    body: str = ""  # cleaned Markdown without front matter; empty when all is cards
    tree: Node
    passages: tuple[Passage, ...] = ()
    cards: tuple[CardDraft, ...] = ()
    tables: tuple[Table, ...] = ()
    changes: tuple[Change, ...] = ()
    dates: tuple[FoundDate, ...] = ()
    departments: tuple[FoundDepartment, ...] = ()
    targets: tuple[FoundTarget, ...] = ()
    personal: tuple[PersonalData, ...] = ()
    orders: tuple[Order, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    notices: tuple[Notice, ...] = ()

    def proposed(self, name: str) -> str:
        """Value of a field of the front matter, '' when there is none."""
        return next((field.value for field in self.front if field.name == name), "")
