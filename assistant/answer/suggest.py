"""What to ask next: questions, known to be answered, about what was just spoken of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from assistant.answer.holdings import Holdings, document_of, held
from assistant.contracts import Answer, Candidate, Corpus, Language, Passage

SHOWN = 3
LONGEST = {Language.CHINESE: 24, Language.ENGLISH: 80}  # characters that fit on a button


class Suggestions:
    """Questions of one release, by the article or card that answers them."""

    def __init__(self, source: Holdings | Corpus | Iterable[Passage]) -> None:
        self._holdings = held(source)
        self._family = lru_cache(512)(self._family_of)  # finding one reads the whole document

    def _family_of(self, family: str) -> list[Passage]:
        """What of an article or card has questions that may be offered."""
        return [
            passage
            for passage in self._holdings.of(document_of(family))
            if (passage.parent or passage.id) == family
            and passage.phrasings
            and not passage.gives_orders
            and not passage.sample
        ]

    def after(self, answer: Answer, candidates: Sequence[Candidate] = (), asked: Sequence[str] = ()) -> tuple[str, ...]:
        """Up to three questions that go on from ``answer``, none of them ``asked`` before.

        First about the rest of the same article, then about what else was near. None after an emergency.
        """
        if answer.emergency:
            return ()
        cited = {citation.passage_id for citation in answer.citations}
        families = [c.passage.parent or c.passage.id for c in candidates]
        near = {c.passage.id for c in candidates}
        found: list[str] = []
        for family in dict.fromkeys(families):
            members = [p for p in self._family(family) if p.id not in cited or answer.refused]
            # Of a refused question's articles only what was near; of an answered one's all that is left.
            for passage in [p for p in members if p.id in near or (not answer.refused and family == families[0])]:
                question = short(passage.phrasings, answer.language)
                if question and question not in asked and question not in found:
                    found.append(question)
        return tuple(found[:SHOWN])

    def options(self, candidates: Sequence[Candidate], language: Language) -> tuple[str, ...]:
        """One question for each of the two articles that were nearest, to choose from."""
        found: dict[str, str] = {}
        for candidate in candidates:
            family = candidate.passage.parent or candidate.passage.id
            question = short(candidate.passage.phrasings, language)
            if question and family not in found:
                found[family] = question
        return tuple(found.values())[:2]


def short(phrasings: Sequence[str], language: Language) -> str:
    """The first phrasing in ``language`` that fits on a button and reads as a question, or ''."""
    for phrasing in phrasings:
        chinese = any("\u4e00" <= c <= "\u9fff" for c in phrasing)
        if (
            chinese is (language is Language.CHINESE)
            and len(phrasing) <= LONGEST[language]
            and phrasing.rstrip()[-1:] in "?？"
        ):
            return phrasing.replace(",", "，").replace("?", "？") if chinese else phrasing
    return ""
