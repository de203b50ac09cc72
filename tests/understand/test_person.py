"""Who wants a person, and who only speaks of persons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.contracts import Language
from assistant.understand.clean import clean_question
from assistant.understand.guard import small_talk

QUESTIONS = Path(__file__).parents[2] / "evaluation" / "questions"


@pytest.mark.parametrize(
    "text",
    [
        "我要找人工", "找个人", "转人工", "人工服务", "帮我找个人", "我想跟真人说话", "有没有工作人员？", "叫工作人员来",
        "请帮我转人工服务", "我不想跟机器人说话，我要找真人", "能不能找个人来帮帮我", "我要找居委会的工作人员", "有真人吗",
        "小沪，帮我找个工作人员", "請幫我找人工", "麻烦您叫一下工作人员", "喂，找客服！", "我想找個真人談談",
        "talk to a person", "I want to talk to a person", "Can I speak to a human, please?", "operator",
        "I'd like to speak with a real person", "connect me to an agent", "let me talk to someone",
    ],
)  # fmt: skip
def test_who_wants_a_person(text: str) -> None:
    assert small_talk(clean_question(text)) == "person"


@pytest.mark.parametrize(
    "text",
    [
        "有人吗", "你是真人吗？", "人工智能是什么？", "加装电梯找哪个部门？", "找谁办？", "叫救护车", "我要找工作", "人工费要多少？",
        "护工怎么找？", "有没有人帮忙做饭？", "社工有多少人？", "请个师傅修水管", "找保姆", "邻居家没人，来人啊",
        "how many staff are there?", "are you a real person?", "who is in charge?", "I need someone to clean my house",
    ],
)  # fmt: skip
def test_who_only_speaks_of_persons(text: str) -> None:
    assert small_talk(clean_question(text)) != "person"


def test_no_question_of_the_evaluation_is_taken_for_it() -> None:
    taken = []
    for file in QUESTIONS.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            for text in item.get("turns") or [item.get("q") or item.get("question") or ""]:
                if isinstance(text, str) and any(c.isalnum() for c in text) and small_talk(text) == "person":
                    taken.append(text)
    assert taken == []


@pytest.mark.parametrize("language", list(Language))
def test_a_long_text_takes_no_long_time(language: Language) -> None:
    for text in ("请麻烦帮忙我你您" * 60, "找个一个位一下" * 70, "please i want to " * 30):
        assert small_talk(text) is None
