"""Extractive answers: the document's own words, trimmed to what was asked, led in like speech."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answer.wording import opening, tidy
from assistant.contracts import Answer, Candidate, Citation, FactKind, Language, Passage, Question, Target

SPOKEN = 80  # characters of one sentence that are spoken; longer ones are trimmed
BREATH = 72  # characters that a trimmed span may grow to
BOTH = 170  # characters of two sentences together
BESIDE = 0.12  # lead of the best sentence under which the next one is said too


def cite(passage: Passage, quote: str | None = None) -> Citation:
    """A citation of ``passage``; the quote is its exact words."""
    return Citation(
        doc=passage.title,
        article=passage.article,
        quote=quote or passage.text,
        passage_id=passage.id,
        title=passage.title,
        path=passage.path,
        sample=passage.sample,
    )


def compose(question: Question, chosen: Sequence[Candidate], engine: str = "extractive", sure: bool = True) -> Answer:
    """One or two sentences from the best of ``chosen`` (best first, not empty).

    Without ``sure`` the words are given and nothing is said to be so: no bare 可以的.
    """
    first = chosen[0]
    said = [first]
    body = _body(question, first)
    for other in chosen[1:]:
        more = _body(question, other)
        if (
            other.passage.parent == first.passage.parent
            and other.passage.parent is not None
            and first.score - other.score < BESIDE
            and len(body) + len(more) <= BOTH
            and question.language is Language.CHINESE
        ):
            said.append(other)
            body += f"同一条还提到，{more}" if first.passage.article else f"另外，{more}"
            break
    text = f"{opening(first.passage, question, sure)}{body}"
    passages = [candidate.passage for candidate in said]
    return Answer(
        text=label(text, passages, question.language),
        citations=tuple(cite(passage) for passage in passages),
        language=question.language,
        engine=engine,
        targets=tuple(target for passage in passages for target in passage.targets),
        departments=first.passage.departments,
    )


def label(text: str, passages: Sequence[Passage], language: Language) -> str:
    """Sample data says that it is sample wherever it shows."""
    if any(passage.sample for passage in passages) and "示例" not in text and "sample" not in text.lower():
        return f"【示例】{text}" if language is Language.CHINESE else f"[Sample] {text}"
    return text


def _body(question: Question, candidate: Candidate) -> str:
    passage = candidate.passage
    if question.language is Language.ENGLISH:
        return passage.english or tidy(passage.text)
    text = passage.text
    if len(text) > SPOKEN and passage.kind == "sentence":
        text = trimmed(question, candidate)
    return tidy(text)


def trimmed(question: Question, candidate: Candidate) -> str:
    """The part of a long sentence that answers: a target's clause, or the span nearest in meaning."""
    passage = candidate.passage
    span = candidate.span or _beginning(passage.text)
    if FactKind.QUANTITY in question.kinds or FactKind.DATE in question.kinds:
        target = nearest_target(span + question.resolved, passage.targets)
        if target and target.text not in span and not any(t.text in span for t in passage.targets):
            span = target.text
    span = _widened(passage.text, span)
    deadline = next((t.deadline for t in passage.targets if t.text and t.text in span and t.deadline), "")
    if deadline and deadline.strip("“”") not in span:
        before = passage.text.find(deadline)
        if 0 <= before < passage.text.find(span):
            lead = "到" if passage.text[before - 1 : before] == "到" else ""
            span = f"{lead}{deadline},{span}"
    return span


def _beginning(text: str) -> str:
    """The first clauses of ``text`` that can be spoken in one sentence; a single longer one is kept whole."""
    cut = max((text.rfind(mark, 0, SPOKEN) for mark in ",，;；"), default=-1)
    return text[:cut] if cut > 0 else text


def _widened(text: str, span: str) -> str:
    """``span`` with the clauses around it, as far as one breath allows: alone it is often too bare."""
    start = text.find(span)
    if start < 0:
        return span
    end = start + len(span)
    while end < len(text):
        cut = next((i for i in range(end + 1, len(text)) if text[i] in ",，;；。"), len(text))
        if cut - start > BREATH or text[end] in ";；":
            break
        end = cut
    while start > 0:
        cut = max((text.rfind(mark, 0, start - 1) for mark in ",，;；"), default=-1) + 1
        if end - cut > BREATH or text[start - 1] in ";；":
            break
        start = cut
    return text[start:end]


def nearest_target(words: str, targets: Sequence[Target]) -> Target | None:
    """The target whose subject shares most characters with ``words``."""

    def shared(target: Target) -> float:
        subject = set(target.subject)
        return len(subject & set(words)) / (len(subject) or 1)

    return max(targets, key=shared, default=None)
