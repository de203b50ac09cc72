"""Numbers are read as values, and what evidence lacks is named."""

from __future__ import annotations

import pytest

from assistant.answer.quantities import dates, quantities, unsourced
from assistant.answer.verify import problems

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
    assert {each.value for each in quantities(text)} == values


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


RICH = (
    "到2025年,全市养老床位总数达到17.8万张,护理型床位占比达到85%左右,新增社区综合为老服务中心500个。\n"
    "2022年12月9日印发,共26条,分2个部分"
)


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        ("护理型床位占比达到85张", "unit:85张"),
        ("新增社区综合为老服务中心500%", "unit:500%"),
        ("护理型床位占比达到85", "unit:85"),
        ("12月2日印发", "date:12-2"),
        ("2025年12月9日印发", "date:2025-12-9"),
        ("二〇二五年十二月九日印发", "date:2025-12-9"),
        ("issued on December 2, 2022", "date:2022-12-2"),
    ],
)
def test_a_known_number_with_another_unit_or_date_is_named(claim: str, word: str) -> None:
    assert word in problems(claim, [RICH])


@pytest.mark.parametrize(
    "claim",
    [
        "2022年12月9日印发",
        "12月9日印发",
        "护理型床位占比达到百分之八十五",
        "issued on 9 December 2022",
        "26条,两个部分",
    ],
)
def test_the_same_date_and_unit_written_otherwise_pass(claim: str) -> None:
    assert problems(claim, [RICH]) == ()


@pytest.mark.parametrize(
    "claim",
    [
        "全市养老床位总数达到85%左右",
        "新增社区综合为老服务中心17.8万张",
        "全市养老床位总数达到500个",
        "到2022年,全市养老床位总数达到17.8万张",
    ],
)
def test_a_written_number_beside_the_wrong_words_is_named(claim: str) -> None:
    assert any(problem.startswith("pairing") for problem in problems(claim, [RICH], question="养老床位"))


def test_a_written_number_beside_its_own_words_passes() -> None:
    assert problems("到2025年,全市养老床位总数达到17.8万张", [RICH], question="养老床位") == ()
    assert problems("护理型床位占比达到85%左右", [RICH], question="养老床位") == ()


def test_dates_name_a_month() -> None:
    assert dates("2025年底 may 12月9日 3 May") == [(None, 12, 9), (None, 5, 3)]
