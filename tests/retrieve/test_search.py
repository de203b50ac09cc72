"""What may be found: never the expired, never orders to the model, homophones and the right article."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from assistant.contracts import Corpus, Passage
from assistant.retrieve.homophones import Homophones
from assistant.turn import Knowledge
from assistant.understand.question import make_question
from knowledge.release import publish
from tests.conftest import DAY, opened, parts


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("老房子没电梯，爬楼爬不动", 14),
        ("How many sports parks will be built?", 6),
        ("加装店梯的事怎么讲", 14),
        ("预付卡老板跑路谁管", 25),
    ],
)
def test_the_right_article_is_first(knowledge: Knowledge, question: str, article: int) -> None:
    evidence = knowledge.retriever.search(make_question(question), DAY)
    assert evidence.candidates[0].passage.article == article


def test_expired_and_ordering_passages_are_never_ranked(tmp_path: Path) -> None:
    text = "社区游泳池的开放时间以公告为准。"
    common = {"kind": "sentence", "doc": "d", "title": "通知", "text": text}
    passages = (
        Passage(id="d#old", valid_until=DAY - timedelta(days=1), **common),
        Passage(id="d#future", valid_from=DAY + timedelta(days=1), **common),
        Passage(id="d#last", valid_until=DAY, **common),
        Passage(id="d#orders", gives_orders=True, **common),
    )
    release, _ = publish(Corpus(documents=(), passages=passages, digest="x"), parts(tmp_path), tmp_path)
    search = opened(release).retriever
    for day in (DAY - timedelta(days=400), DAY - timedelta(days=1), DAY, DAY + timedelta(days=1), date(2040, 1, 1)):
        found = search.search(make_question("游泳池开放时间"), day).candidates
        assert all(c.passage.valid_on(day) and not c.passage.gives_orders for c in found)
    assert [c.passage.id for c in search.search(make_question("游泳池开放时间"), DAY).candidates] == ["d#last"]


def test_only_unknown_words_are_repaired() -> None:
    homophones = Homophones(["加装电梯", "托育"], ["托运行李的规定"])
    assert homophones.repair("加装店梯要多久") == "加装电梯要多久"
    assert homophones.repair("拖鱼的位子") == "托育的位子"
    assert homophones.repair("托运行李") == "托运行李"
