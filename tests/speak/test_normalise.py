from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.speak.normalise import language_of, normalise, spoken_text


def said(clause: str) -> str:
    return re.sub(r"\s+", " ", spoken_text(normalise(clause))).strip()


@pytest.mark.parametrize(
    ("displayed", "spoken"),
    [
        ("新增床位17.8万张", "新增床位十七点八万张"),
        ("达到85%以上", "达到百分之八十五以上"),
        ("2025年12月9日", "二零二五年十二月九日"),
        ("2022-09-30", "二零二二年九月三十日"),
        ("2005年2月2日", "二零零五年二月二日"),
        ("请拨打12345", "请拨打幺二三四五"),
        ("打110、119、120或122", "打幺幺零、幺幺九、幺二零或幺二二"),
        ("12333咨询", "幺二三三三咨询"),
        ("95598供电", "九五五九八供电"),
        ("021-62345678", "零二幺，六二三四，五六七八"),
        ("021-6234 5678", "零二幺，六二三四，五六七八"),
        ("400-820-8888", "四零零，八二零，八八八八"),
        ("13812345678", "幺三八，幺二三四，五六七八"),
        ("138-1234-5678", "幺三八，幺二三四，五六七八"),
        ("电话000-0001", "电话零零零，零零零幺"),
        ("电话：62345678", "电话：六二三四，五六七八"),
        ("110张床位", "一百一十张床位"),
        ("12345人", "一万两千三百四十五人"),
        ("120㎡", "一百二十平方米"),
        ("1.5万元", "一点五万元"),
        ("3-5天", "三到五天"),
        ("2-3天", "两到三天"),
        ("10%—20%", "百分之十到百分之二十"),
        ("10-20%", "百分之十到百分之二十"),
        ("2023-2025年", "二零二三到二零二五年"),
        ("9:00-17:30", "九点到十七点三十分"),
        ("8:05开门", "八点零五分开门"),
        ("2:00", "两点"),
        ("30万-50万元", "三十万到五十万元"),
        ("¥500", "五百元"),
        ("￥1,200元", "一千二百元"),
        ("$20", "二十美元"),
        ("300元/月", "三百元每月"),
        ("2万", "两万"),
        ("2个", "两个"),
        ("2位", "两位"),
        ("2楼", "二楼"),
        ("2级", "二级"),
        ("12个", "十二个"),
        ("200", "二百"),
        ("2000元", "两千元"),
        ("2200个", "两千二百个"),
        ("10010元", "一万零一十元"),
        ("100050人", "十万零五十人"),
        ("1000000元", "一百万元"),
        ("20015000元", "两千零一万五千元"),
        ("第2条", "第二条"),
        ("第14条", "第十四条"),
        ("第十四条", "第十四条"),
        ("（十四）推进", "，十四，推进"),
        ("1/3", "三分之一"),
        ("-5℃", "零下五摄氏度"),
        ("气温-5℃", "气温零下五摄氏度"),
        ("3.0版", "三点零版"),
        ("v1.2.3", "一点二点三"),
        ("7×24小时", "七乘二十四小时"),
        ("“十四五”期间", "十四五期间"),
        ("沪府办发〔2022〕23号", "沪府办发，二零二二，二十三号"),
        ("502室", "五零二室"),
        ("925路", "九二五路"),
        ("71路", "七十一路"),
        ("①身份证", "一身份证"),
        ("½", "二分之一"),
        ("２０２５年", "二零二五年"),
        ("1:100", "一比一百"),
        ("2.5公里", "二点五公里"),
        ("5km", "五公里"),
        ("2kg", "两公斤"),
        ("5G网络", "五 G 网络"),
        ("学习CPR", "学习 C P R"),
        ("随申办App", "随申办 A P P"),
        ("**重点**[1]任务", "重点任务"),
        ("# 标题", "标题"),
        ("- 身份证", "身份证"),
        ("见[方案](https://a.example/b?c=1)。", "见方案。"),
        ("网址是https://a.example/x1。", "网址是。"),
        ("如此（来源：沪府办发〔2022〕23号）。", "如此。"),
        ("您好😊👵🏻", "您好"),
        ("65+老人", "六十五以上老人"),
    ],
)
def test_mandarin_reads_right(displayed: str, spoken: str) -> None:
    assert said(displayed) == spoken


@pytest.mark.parametrize(
    ("displayed", "spoken"),
    [
        ("Call 12345 now", "Call one two three four five now"),
        ("By 2025 it is 85%", "By twenty twenty five it is eighty five percent"),
        ("178,000 beds", "one hundred and seventy eight thousand beds"),
        ("1,205 people", "one thousand two hundred and five people"),
        ("17.8 square metres", "seventeen point eight square metres"),
        ("open 9:00-17:30", "open nine o'clock to five thirty P M"),
        ("from 8:05 to 12:00", "from eight oh five to noon"),
        ("on December 9, 2025", "on December ninth , twenty twenty five"),
        ("on 2025-12-09 it ends", "on December ninth, twenty twenty five it ends"),
        ("¥500 per month", "five hundred yuan per month"),
        ("phone 021-62345678 please", "phone zero two one, six two three four five six seven eight please"),
        ("Article 14 says", "Article fourteen says"),
        ("the 14th plan [1]", "the fourteenth plan"),
        ("3-5 days", "three to five days"),
        ("1/3 of residents", "one third of residents"),
        ("In 2005 and 1999 and 2000 too", "In two thousand and five and nineteen ninety nine and two thousand too"),
        ("learn CPR", "learn C P R"),
        ("120 people came", "one hundred and twenty people came"),
    ],
)
def test_english_reads_right(displayed: str, spoken: str) -> None:
    assert said(displayed) == spoken


def test_language_is_told_by_the_words() -> None:
    assert language_of("请下载App") == "zh"
    assert language_of("12345") == "zh"
    assert language_of("Please call 12345") == "en"


def test_pieces_point_at_what_is_displayed() -> None:
    clause = "达到85%，打12345"
    pieces = {clause[p.begin : p.end]: p.text for p in normalise(clause)}
    assert pieces["85%"] == "百分之八十五"
    assert pieces["12345"] == "幺二三四五"


FRAGMENTS = st.sampled_from(
    "2025 12 9 0 1.5 17.8 85% ¥ 元 万 亿 张 个 年 月 日 号 时 : ： - — ~ / . , ， 。 （ ） ( ) [ ] 〔 〕 + × ℃ ㎡ m2 km 第 条 "
    "电话 拨打 021 12345 110 138 62345678 400 至 到 室 路 居民 服务 App Wi-Fi A b ** # 1/3 ① ½ ² ３ ٣ “ ” Ⅳ 😊 \n".split(
        " "
    )
) | st.text(max_size=3)
CLAUSES = st.lists(FRAGMENTS, max_size=14).map("".join)


@given(CLAUSES)
@settings(max_examples=600, deadline=None)
def test_no_figure_is_left_and_pieces_cover_the_clause(clause: str) -> None:
    for language in ("zh", "en"):
        pieces = normalise(clause, language)
        assert not [c for c in spoken_text(pieces) if c.isdigit()]
        edge = 0
        for piece in pieces:
            assert piece.begin == edge
            assert piece.end >= piece.begin
            edge = piece.end
        assert edge == len(clause)


@given(
    st.lists(
        st.sampled_from("2025 12 9 0 1.5 85% 元 万 张 个 年 月 - — : / ， 居民 第 条 电话 021 12345 138 个".split()),
        max_size=10,
    )
)
@settings(max_examples=400, deadline=None)
def test_every_displayed_number_is_said(parts: list[str]) -> None:
    clause = "".join(parts)
    for piece in normalise(clause, "zh"):
        if re.search(r"\d", clause[piece.begin : piece.end]):
            assert re.search("[零一二三四五六七八九十两幺]", piece.text), (clause, piece)
