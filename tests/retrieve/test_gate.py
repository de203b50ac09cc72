"""The gate: a number must be of the unit that is asked for."""

from __future__ import annotations

import pytest

from assistant.contracts import Candidate, Passage
from assistant.retrieve.gate import uncounted


def near(text: str) -> list[Candidate]:
    passage = Passage(id="plan:1", doc="plan", kind="sentence", title="方案", text=text, path=("建设公园",))
    return [Candidate(passage=passage, score=1.0)]


@pytest.mark.parametrize(
    ("question", "evidence", "held"),
    [
        ("健身步道要建多少公里？", "全市建设不少于20个体育公园。", False),
        ("健身步道要建多少公里？", "全市新建健身步道200公里以上。", True),
        ("上海有多少65岁以上老人", "每千人50平方米。", False),
        ("上海有多少老人？", "60岁以上的有533.5万人。", True),
        ("志愿者要多少人", "组建一支500名志愿者的队伍。", True),
        ("面积是多少平米", "不低于每千人50平方米。", True),
        ("是看住了多少人，还是看离得远不远", "根据覆盖人口和服务半径补齐。", True),
        ("要建多少家？", "建设100家。", True),
        ("有几个灭火器", "建设20个公园。", False),
    ],
)
def test_a_number_of_another_unit_is_no_answer(question: str, evidence: str, held: bool) -> None:
    assert uncounted(question, near(evidence)) is not held
