"""Tell people how far a download is: bars, and plain sentences between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Reporter(Protocol):
    """Hears about work under way; sizes are bytes."""

    def say(self, text: str) -> None:
        """One sentence."""

    def begin(self, label: str, total: int, done: int = 0) -> None:
        """A new piece of work, of which ``done`` is there already."""

    def advance(self, count: int) -> None:
        """``count`` more bytes of the piece that began last."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Ignore ``text``."""

    def begin(self, label: str, total: int, done: int = 0) -> None:
        """Ignore the piece of work."""

    def advance(self, count: int) -> None:
        """Ignore the bytes."""


class Bars:
    """Draws one bar for each piece of work; finished ones leave."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """Print ``text`` above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, label: str, total: int, done: int = 0) -> None:
        """Replace the bar by one for ``label``."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(label, total=total, completed=done)

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, count)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on standard error, so that standard output stays clean for other programs."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        yield Bars(console, progress)
