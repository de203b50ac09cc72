"""What is said twice by the recogniser goes, what people say twice stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.hear.repeats import without_repeats


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("打开大门。打开大门。", "打开大门。"),
        ("加装电梯怎么申请？加装电梯怎么申请", "加装电梯怎么申请？"),
        ("社区食堂几点开门社区食堂几点开门", "社区食堂几点开门"),
        ("敬老卡怎么领，敬老卡怎样领。", "敬老卡怎么领，"),
        ("我想问，我想问，我想问，我想问，长护险", "我想问，长护险"),
        ("养老养老养老养老养老", "养老"),
        ("where is the canteen? Where is the canteen?", "where is the canteen?"),
        ("啊啊啊啊啊啊啊", "啊啊啊"),
    ],
)
def test_repeats_go(text: str, kept: str) -> None:
    assert without_repeats(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "对对对",
        "谢谢，谢谢。",
        "好的，好的。",
        "一个月三千五，两个月三千六。",
        "电话是12121212",
        "六二一八六二一八",
        "妈妈的妈妈叫什么",
        "一楼不同意怎么办，二楼不同意怎么办",
        "看看电梯，问问物业",
        "",
    ],
)
def test_meant_repeats_stay(text: str) -> None:
    assert without_repeats(text) == text


@given(st.text(alphabet="加装电梯怎么申请，。？ab1", max_size=40))
def test_never_longer_and_stable(text: str) -> None:
    once = without_repeats(text)
    assert len(once) <= len(text)
    assert set(once) <= set(text)
