"""Answers that a larger model writes in the resident's words; every sentence cites its evidence."""

from __future__ import annotations

import asyncio
import re

from assistant.answer.compose import cite, label
from assistant.contracts import Answer, Decision, LanguageModel, Question
from assistant.errors import AnswerError

LONGEST = 1200  # characters after which a draft is given up
EVIDENCE = 4  # candidates that the model sees
_MARK = re.compile(r"\[(\d+)\]")


async def written(model: LanguageModel, question: Question, decision: Decision, timeout: float) -> Answer:
    """A written answer to be verified; raises AnswerError when nothing usable came."""
    candidates = decision.candidates[:EVIDENCE]
    pieces: list[str] = []
    try:
        async with asyncio.timeout(timeout):
            async for piece in model.write(
                question.resolved, [c.passage.text for c in candidates], question.language, timeout
            ):
                pieces.append(piece)
                if sum(map(len, pieces)) > LONGEST:
                    raise AnswerError("The model does not come to an end.", "The extractive answer stands in.")
    except TimeoutError as error:
        raise AnswerError("The model is late.", "The extractive answer stands in.") from error
    draft = "".join(pieces).strip()
    marks = [int(number) for number in _MARK.findall(draft)]
    cited = [candidates[n - 1].passage for n in dict.fromkeys(marks) if 1 <= n <= len(candidates)]
    text = _MARK.sub("", draft).strip()
    if not text:
        raise AnswerError("The model wrote nothing.", "The extractive answer stands in.")
    passages = cited or [candidates[0].passage]
    return Answer(
        text=label(text, passages, question.language),
        citations=tuple(cite(passage) for passage in passages),
        language=question.language,
        engine="written",
        targets=tuple(t for p in passages for t in p.targets),
        departments=passages[0].departments,
    )
