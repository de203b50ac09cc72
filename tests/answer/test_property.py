"""Whatever a lying model says, no answer shows a fact that its citations lack."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.answer.fake_llm import Lie, LyingLanguageModel
from assistant.contracts import Answer
from assistant.turn import Assistant, Knowledge

QUESTIONS = Path(__file__).parent.parent.parent / "evaluation" / "questions"


def asked(name: str, count: int) -> list[str]:
    lines = (QUESTIONS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["q"] for line in lines[:: max(1, len(lines) // count)]][:count]


def unsourced(answer: Answer, knowledge: Knowledge) -> set[str]:
    """Digits and departments of the answer that its cited passages lack: our own check, not the verifier's."""
    cited = ""
    for citation in answer.citations:
        passage = knowledge.passages[citation.passage_id]
        cited += citation.quote + passage.text + (passage.english or "") + f" article {citation.article} "
    digits = {d for d in re.findall(r"\d+(?:\.\d+)?", answer.text) if d not in cited}
    return digits | {d for d in knowledge.structure.departments if d in answer.text and d not in cited}


@pytest.mark.parametrize("lie", list(Lie))
@pytest.mark.parametrize("writes", [True, False])
async def test_no_lie_is_shown(
    lie: Lie, writes: bool, assistant: Callable[..., Assistant], knowledge: Knowledge
) -> None:
    if "HANG" in lie.name or "ENDLESS" in lie.name:
        questions = asked("factual", 2)
    else:
        questions = asked("factual", 8) + asked("colloquial", 8) + asked("unanswerable", 4) + asked("premise", 2)
    talker = assistant(LyingLanguageModel(lie, writes=writes), engine="llm")
    for number, question in enumerate(questions):
        session = talker.session(str(number))
        session.turn_id += 1
        answer = await talker.answer(question, session)
        assert answer.text
        assert unsourced(answer, knowledge) == set(), (question, answer.text)


async def test_extractive_answers_stand_on_their_quotes(
    assistant: Callable[..., Assistant], knowledge: Knowledge
) -> None:
    talker = assistant()
    answered = 0
    for name in ("factual", "colloquial", "departments", "english"):
        for number, question in enumerate(asked(name, 25)):
            answer = await talker.answer(question, talker.session(f"{name}{number}"))
            answered += not answer.refused
            assert answer.language == "en" or unsourced(answer, knowledge) == set(), (question, answer.text)
            assert answer.engine == "talk" or answer.citations or answer.refused
    assert answered > 50
