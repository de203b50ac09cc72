"""Repair of what a recogniser misheard: words of the domain, by sound, where the evidence is better for it.

Distances are those measured in shared/weights/asr.md: words of two characters must sound alike, of three
within 0.12, longer ones within 0.20 of their syllables. Looser ones do harm.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from assistant.retrieve.words import HAN, readings
from assistant.voice_contracts import Repair

SHORTEST, LONGEST = 2, 8  # characters of a word
BETTER = 0.02  # by how much the evidence must be surer after a repair
ACCENT, PART = 0.05, 0.5  # cost of a syllable that differs by accent only; in its initial or its final only
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千万亿\d]")
_INITIAL = re.compile(r"^(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?")


Readings = tuple[tuple[str, str], ...]  # of one character: (syllable, folded)


@dataclass(frozen=True)
class Change:
    """One word that may have been misheard."""

    begin: int
    heard: str
    word: str
    distance: float


class SpeechRepair:
    """Proposes domain words for what was heard, and keeps those under which retrieval finds more."""

    def __init__(self, words: Iterable[str], known: Iterable[str]) -> None:
        """``words`` are repaired towards; what ``known`` texts say is never touched."""
        self._known = "\n".join(known)
        self._by_length: dict[int, list[tuple[str, list[Readings]]]] = defaultdict(list)
        for word in dict.fromkeys(words):
            if SHORTEST <= len(word) <= LONGEST and all(HAN.match(c) for c in word) and not _NUMERAL.search(word):
                self._by_length[len(word)].append((word, [readings(c) for c in word]))

    def repair(self, text: str, sureness: Callable[[str], float]) -> Repair:
        """``text`` with misheard words put right where ``sureness`` (0 to 1) of the evidence grows."""
        changes = self.propose(text)
        if not changes:
            return Repair(text, text)
        before = sureness(text)
        # All together first; a single wrong one must not cost the right ones.
        for chosen in (changes, *([change] for change in changes if len(changes) > 1)):
            repaired = _applied(text, chosen)
            if sureness(repaired) >= before + BETTER:
                return Repair(text, repaired, tuple((change.heard, change.word) for change in chosen))
        return Repair(text, text)

    def propose(self, text: str) -> list[Change]:
        """Changes that don't overlap, in the order of the text; the longest and nearest win."""
        found: list[Change] = []
        for size in range(min(LONGEST, len(text)), SHORTEST - 1, -1):
            for begin in range(len(text) - size + 1):
                heard = text[begin : begin + size]
                if heard in self._known or _NUMERAL.search(heard) or not all(HAN.match(c) for c in heard):
                    continue
                if any(begin < c.begin + len(c.heard) and c.begin < begin + size for c in found):
                    continue
                nearest = self._nearest(heard)
                if nearest is not None:
                    found.append(Change(begin, heard, *nearest))
        return sorted(found, key=lambda change: change.begin)

    def _nearest(self, heard: str) -> tuple[str, float] | None:
        sounds = [readings(c) for c in heard]
        size = len(heard)
        limit = 0.0 if size == 2 else 0.12 if size == 3 else 0.20
        best: tuple[str, float] | None = None
        for word, wanted in self._by_length.get(size, ()):
            total = 0.0
            for ours, theirs in zip(sounds, wanted, strict=True):
                total += _distance(ours, theirs)
                if total > limit * size + 1e-9:
                    break
            else:
                if word != heard and (best is None or total / size < best[1]):
                    best = word, total / size
        return best


@lru_cache(maxsize=100_000)
def _distance(heard: Readings, wanted: Readings) -> float:
    """The least cost over all readings of two characters."""
    return min(_cost(a, b, c, d) for a, c in heard for b, d in wanted)


def _cost(heard: str, wanted: str, heard_folded: str, wanted_folded: str) -> float:
    if heard == wanted:
        return 0.0
    if heard_folded == wanted_folded:
        return ACCENT
    first, second = _INITIAL.match(heard_folded), _INITIAL.match(wanted_folded)
    a, b = (first[0] if first else ""), (second[0] if second else "")
    return PART if a == b or heard_folded[len(a) :] == wanted_folded[len(b) :] else 1.0


def _applied(text: str, changes: Iterable[Change]) -> str:
    for change in changes:  # words keep their length, so places stay true
        text = text[: change.begin] + change.word + text[change.begin + len(change.heard) :]
    return text
