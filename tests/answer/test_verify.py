"""Numbers are read as values, and what evidence lacks is named."""

from __future__ import annotations

import pytest

from assistant.answer.verify import numbers, problems, unsourced

EVIDENCE = "到2025年,全市养老床位总数达到17.8万张,由市民政局负责。"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("17.8万张", {178000}),
        ("178,000 beds", {178000}),
        ("二十六条", {26}),
        ("85%左右", {85}),
        ("二零二五年", {2025}),
        ("4.5个", {4.5}),
        ("一百零五", {105}),
        ("twenty places", {20}),
        ("1.2 million", {1200000}),
        ("一江一河的一些地方", set()),
        ("三百张", {300}),
        ("二十一家和十一条", {21, 11}),
        ("三千万元", {30000000}),
        ("三万家", {30000}),
        ("1,000个", {1000}),
        ("第一百二十条", {120}),
    ],
)
def test_numbers_are_values(text: str, values: set[float]) -> None:
    assert numbers(text) == values


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        ("养老床位有20万张", "number"),
        ("请拨打13912345678", "number"),
        ("由市商务委员会负责", "department"),
        ("见《床位管理办法》", "name"),
        ("到2030年完成", "number"),
        ("请拨打2025-17", "number"),
        ("见 Housing Bureau", "name"),
        ("市民政局和市公安局负责", "department"),
    ],
)
def test_what_evidence_lacks_is_named(claim: str, word: str) -> None:
    assert any(problem.startswith(word) for problem in problems(claim, [EVIDENCE]))


def test_the_evidence_itself_passes() -> None:
    assert problems(EVIDENCE, [EVIDENCE]) == ()
    assert problems("178,000 beds by 2025", [EVIDENCE]) == ()


def test_wording_without_a_source_is_measured() -> None:
    assert unsourced("全市养老床位总数", [EVIDENCE]) == 0
    assert unsourced("申请人需携带户口簿办理", [EVIDENCE]) > 0.9
    assert any(p.startswith("unsourced") for p in problems("申请人需携带户口簿办理", [EVIDENCE], question="床位"))


def test_a_code_of_zeros_is_not_the_number_nought() -> None:
    evidence = "示例号码000-0001"
    assert problems("请拨打000-00000000", [evidence]) != ()
    assert problems("请拨打000-0001", [evidence]) == ()
    assert problems("2021-2025", ["2021年到2025年"]) == ()
