"""Personal data is found and masked; public numbers are not taken for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.intake.drafts import draft_files
from knowledge.intake.personal import find_personal, is_id_number, luhn, masked
from knowledge.intake.values import Intake

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(first: str) -> str:
    return first + "10X98765432"[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]


def bank_card(first: str) -> str:
    return next(first + d for d in "0123456789" if luhn(first + d))


ID, CARD, MOBILE = id_number("31010119900307001"), bank_card("622202123456789012"), "13912345678"


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        (f"身份证{ID}。", "id_number", ID),
        (f"号码是{ID[:6]} {ID[6:14]} {ID[14:]}", "id_number", f"{ID[:6]} {ID[6:14]} {ID[14:]}"),
        ("身份证号310101900307001", "id_number", "310101900307001"),
        (f"手机：{MOBILE}", "mobile", MOBILE),
        ("手机139-1234-5678", "mobile", "139-1234-5678"),
        ("手机+86 13912345678", "mobile", "+86 13912345678"),
        (f"卡号{CARD}", "bank_card", CARD),
        (f"卡号{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}", "bank_card", None),
        ("邮箱zhang.san@example.com，", "email", "zhang.san@example.com"),
        ("车牌沪A12345停在", "plate", "沪A12345"),
        ("车牌沪A·D1234学", "plate", None),
        ("新能源车沪AD12345", "plate", "沪AD12345"),
        ("独居老人张建国，住示例路12弄3号402室。", "name_and_address", "独居老人张建国，住示例路12弄3号402室"),
        ("示例路12弄3号402室的王阿姨需要送餐", "name_and_address", None),
    ],
)
def test_it_is_found(text: str, kind: str, found: str | None) -> None:
    results = find_personal(text)
    assert [each.kind for each in results] == [kind]
    assert found is None or results[0].text == found
    assert results[0].text not in masked(text, results)
    assert "隐去" in masked(text, results)


@pytest.mark.parametrize(
    "text",
    [
        "请拨打12345、110、12333或者96877。",
        "热线400-820-1234，800-820-1234",
        f"编号{ID[:-1]}{'0' if ID[-1] != '0' else '1'}",
        "共有178000张床位，投资1234567890123元",
        "沪府办发〔2022〕23号",
        "到2025年12月31日前完成20250101",
        "示例路1号社区食堂每天开放。",
        "张江镇人民政府位于示例路1号。",
        "高先进水平的建设路12弄",
        "每天10:30到13:00，请看www.example.com",
        "单号6222021234567890123",
    ],
)
def test_what_is_public_is_not_flagged(text: str) -> None:
    assert not [each for each in find_personal(text) if each.certain], find_personal(text)


@pytest.mark.parametrize("text", ["办公电话021-62340000", "联系电话：62340000", "电话6234 0000转801"])
def test_office_phones_are_at_most_a_question(text: str) -> None:
    assert all(each.kind == "office_phone" and not each.certain for each in find_personal(text))


def test_a_mobile_on_duty_is_a_question() -> None:
    (found,) = find_personal(f"值班手机{MOBILE}")
    assert not found.certain


@given(
    st.sampled_from(["310101", "110105", "650100"]), st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.integers(0, 999)
)
def test_a_changed_digit_breaks_the_check(area: str, born: date, order: int) -> None:
    whole = id_number(f"{area}{born:%Y%m%d}{order:03}")
    assert is_id_number(whole)
    other = whole[:-1] + ("1" if whole[-1] != "1" else "2")
    assert not is_id_number(other)


@given(st.text(alphabet="0123456789张王路弄号室沪A- @.com，。身份证", max_size=60))
def test_masking_what_was_found_leaves_none_of_it(text: str) -> None:
    found = find_personal(text)
    hidden = masked(text, found)
    for each in found:
        assert text[each.start : each.end] == each.text
    assert not [e for e in find_personal(hidden) if e.kind in ("id_number", "bank_card")] or len(hidden) != len(text)


def test_drafts_hide_what_is_certain(read: Callable[..., Intake]) -> None:
    text = f"# 通知\n\n联系人手机{MOBILE}，办公电话62340000。\n\n身份证{ID}的居民请到居委会。\n"
    intake = read(text, "a.md")
    assert {(each.kind, each.where) for each in intake.personal if each.certain} == {
        ("mobile", intake.passages[1].id),
        ("id_number", next(p.id for p in intake.passages if ID in p.text and p.kind == "sentence")),
    }
    draft = next(iter(draft_files(intake, {"owner": "甲", "source": "乙"}).values()))
    assert MOBILE not in draft
    assert ID not in draft
    assert "62340000" in draft
    kept = next(iter(draft_files(intake, {"owner": "甲", "source": "乙"}, mask=()).values()))
    assert MOBILE in kept


def test_a_mobile_in_a_card_is_found_and_left_out(read: Callable[..., Intake]) -> None:
    text = f"名称,做什么,电话,负责单位,来源\n某某食堂,供应老年人午餐,{MOBILE},甲单位,乙公告\n"
    intake = read(text, "a.csv")
    (found,) = intake.personal
    assert (found.kind, found.card) == ("mobile", f"{intake.cards[0].card['id']}.phone")
    draft = next(iter(draft_files(intake, {"owner": "甲", "source": "乙", "title": "卡片"}).values()))
    assert MOBILE not in draft
