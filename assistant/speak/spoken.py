"""What normalising works with: pieces of a clause and rules that read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Piece:
    """Displayed characters ``begin`` to ``end`` and what is said for them ("" is silent)."""

    begin: int
    end: int
    text: str


Spoken = tuple[Piece, ...]  # in order, without gap or overlap, over the whole clause

Reader = Callable[[re.Match[str]], Sequence[tuple[str | int, str]]]


@dataclass(frozen=True)
class Rule:
    """Where ``pattern`` matches, ``read`` gives (group of the match, what is said for it)."""

    pattern: re.Pattern[str]
    read: Reader
