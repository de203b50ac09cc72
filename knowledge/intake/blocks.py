"""What every reader gives: headings, paragraphs and tables in order, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from knowledge.intake.values import Place


@dataclass
class Grid:
    """A table as read: rows of cells; the first row is usually the header."""

    rows: list[list[str]]
    caption: str = ""


@dataclass
class Block:
    """One heading (``level`` 1 to 6), paragraph (0) or table of the file."""

    text: str = ""
    level: int = 0
    place: Place = field(default_factory=Place)
    grid: Grid | None = None
    close: bool = False  # follows the line before it without an empty line between


def plain(text: str) -> str:
    """The text of a cell: one line, without white space around it."""
    return " ".join(text.split())
