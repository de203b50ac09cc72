"""The last step before show: an answer passes the verifier, or a safe one stands in."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from assistant.answer.compose import compose
from assistant.answer.refuse import Refusals
from assistant.answer.verify import problems
from assistant.contracts import Answer, Decision, Passage, Question
from assistant.numerals import numeral

_log = logging.getLogger(__name__)


class Verifier:
    """Checks answers against the passages of one release."""

    def __init__(
        self,
        passages: Mapping[str, Passage],
        departments: Iterable[str],
        refusals: Refusals,
        english_departments: Mapping[str, str] | None = None,
    ) -> None:
        self._passages, self._departments, self._refusals = passages, frozenset(departments), refusals
        self._english = dict(english_departments or {})

    def problems(self, answer: Answer, question: Question | None = None) -> tuple[str, ...]:
        """What ``answer`` says that its citations don't; the wording too when a model wrote it."""
        sources, numbers = [], []
        for citation in answer.citations:
            passage = self._passages.get(citation.passage_id)
            sources += [citation.quote, citation.title, *citation.path]
            if passage:
                sources += [passage.english or "", *(self._english.get(d, "") for d in passage.departments)]
            if citation.article is not None:
                numbers.append(f"第{numeral(citation.article)}条 article {citation.article}")
        written = answer.engine == "written" and question is not None
        return problems(
            answer.text,
            sources,
            self._departments,
            question.resolved if written and question else None,
            # Questions offered to choose from are the release's own phrasings.
            stock=" ".join([*numbers, "Xiao Hu", *([] if written else ["Shanghai", *map(_shown, answer.suggestions)])]),
        )

    def passes(self, answer: Answer, question: Question | None = None) -> bool:
        """Whether ``answer`` may be shown."""
        return not self.problems(answer, question)

    def checked(self, answer: Answer, question: Question | None, decision: Decision | None) -> Answer:
        """``answer`` when it passes; else the extractive one; else an honest refusal."""
        found = () if answer.engine in ("guard", "talk", "person") else self.problems(answer, question)
        if not found:
            return answer
        # Their kinds only: what a model wrote may repeat the resident's words.
        kinds = sorted({each.partition(":")[0] for each in found})
        _log.warning("answer held back: engine=%s problems=%s", answer.engine, kinds)
        if question is not None and decision is not None and decision.action == "answer":
            extract = compose(question, decision.candidates[:1])
            if self.passes(extract, question):
                return extract
        bare = question or Question(text="", resolved="", language=answer.language)
        return self._refusals.refuse(bare, Decision(action="unknown", confidence=0.0, reason="not_covered"))


def _shown(question: str) -> str:
    return question.rstrip("？?")
