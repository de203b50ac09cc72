"""Homophone repair: words that a recogniser misheard are put back when only their sound is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from assistant.retrieve.words import HAN, syllables

SHORTEST, LONGEST = 2, 6  # characters of a repaired word


class Homophones:
    """Repairs towards ``words``; what ``known`` texts already say is never touched."""

    def __init__(self, words: Iterable[str], known: Iterable[str] | Callable[[str], bool]) -> None:
        """``known`` are texts, or tell whether some text says a word."""
        texts = "" if callable(known) else "\n".join(known)
        self._known: Callable[[str], bool] = known if callable(known) else texts.__contains__
        self._by_sound: dict[tuple[str, ...], str] = {}
        for word in words:
            if SHORTEST <= len(word) <= LONGEST and all(HAN.match(c) for c in word):
                self._by_sound.setdefault(syllables(word, folded=len(word) > SHORTEST), word)

    def repair(self, text: str) -> str:
        """``text`` with unknown words replaced by known ones of the same sound, the longest first."""
        for size in range(LONGEST, SHORTEST - 1, -1):
            for start in range(len(text) - size + 1):
                heard = text[start : start + size]
                if not all(HAN.match(c) for c in heard):
                    continue
                word = self._by_sound.get(syllables(heard, folded=size > SHORTEST))
                if word and word != heard and not self._known(heard):
                    text = text[:start] + word + text[start + size :]
        return text
