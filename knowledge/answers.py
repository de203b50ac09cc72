"""What the saved questions are answered by old and by new knowledge, side by side; regressions are named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Literal

from assistant.contracts import Answer, Frozen, SavedQuestion

Ask = Callable[[str], Awaitable[Answer]]
Verdict = Literal["same", "changed", "better", "worse", "wrong"]


class AnswerChange(Frozen):
    """One question, answered twice.

    ``worse``: the old answer was as it must be, the new one isn't, or an answer became a refusal. ``wrong``: neither
    is. ``better``: the new one is, the old one wasn't. ``changed``: nothing was expected, and they differ.
    """

    question: str
    before: Answer | None  # None: nothing was published
    after: Answer
    verdict: Verdict
    why: tuple[str, ...] = ()  # what the new answer lacks


def lacks(saved: SavedQuestion, answer: Answer) -> tuple[str, ...]:
    """What ``answer`` must be and isn't, for staff; empty when it is as it must be."""
    out: list[str] = []
    documents = {citation.passage_id.partition("#")[0] for citation in answer.citations}
    cited = {
        citation.article
        for citation in answer.citations
        if not saved.document or citation.passage_id.partition("#")[0] == saved.document
    }
    expects = saved.document or saved.article is not None or saved.contains
    refused = False if saved.refused is None and expects else saved.refused
    if refused is not None and answer.refused != refused:
        out.append("应当拒答，却回答了" if refused else "应当回答，却拒答了")
    if saved.document and saved.document not in documents:
        out.append(f"没有引用文件 {saved.document}")
    elif saved.article is not None and saved.article not in cited:
        out.append(f"没有引用第{saved.article}条")
    said = answer.text.replace(" ", "")
    out += [f"没有提到“{words}”" for words in saved.contains if words.replace(" ", "") not in said]
    return tuple(out)


async def compare(
    questions: Iterable[SavedQuestion],
    ask_new: Ask,
    ask_old: Ask | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[AnswerChange]:
    """Ask everything of both; in the order of the questions."""
    all_: Sequence[SavedQuestion] = list(questions)
    out = []
    for done, saved in enumerate(all_, 1):
        before = await ask_old(saved.question) if ask_old else None
        after = await ask_new(saved.question)
        out.append(_judged(saved, before, after))
        progress(done, len(all_))
    return out


def _judged(saved: SavedQuestion, before: Answer | None, after: Answer) -> AnswerChange:
    missing = lacks(saved, after)
    was_right = before is not None and not lacks(saved, before)
    differs = before is None or (before.text, before.citations) != (after.text, after.citations)
    verdict: Verdict
    if missing:
        verdict = "worse" if was_right else "wrong"
    elif not was_right:
        verdict = "better"
    elif before is not None and after.refused and not before.refused and saved.refused is None:
        verdict, missing = "worse", ("原来能回答，现在拒答了",)
    else:
        verdict = "changed" if differs else "same"
    return AnswerChange(question=saved.question, before=before, after=after, verdict=verdict, why=missing)
