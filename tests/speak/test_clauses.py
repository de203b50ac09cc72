from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.speak.clauses import ClauseSplitter, clauses

ANSWER = (
    "根据行动方案第十四条，到2025年，“十四五”期间新增养老床位17.8万张，社区助餐服务覆盖率达到85%以上。请拨打12345。"
)


def test_first_clause_is_short_and_the_rest_is_not_chopped() -> None:
    found = clauses(ANSWER)
    assert found[0] == "根据行动方案第十四条，"
    assert all(len(clause) <= 40 for clause in found)
    assert "".join(found) == ANSWER


def test_never_cuts_in_figures_or_short_quotes() -> None:
    for clause in clauses(
        "每人每月补贴1,200元，服务时间9:00-17:30，“十四五，十五五”期间比例为17.8%，电话021-62345678。"
    ):
        assert clause.count("“") == clause.count("”")
        assert not clause[0].isdigit() or clause[0] == "9"
    assert "1,200元，" in "|".join(clauses("每人每月补贴1,200元，材料齐全。"))


def test_long_text_without_stops_is_cut_before_a_linking_word() -> None:
    text = "您可以带上户口簿和照片到社区事务受理服务中心办理长期护理保险需求评估申请并且在收到评估结果以后由定点护理机构上门"
    found = clauses(text)
    assert len(found) > 1
    assert all(len(clause) <= 40 for clause in found)


def test_english_sentences() -> None:
    found = clauses("By 2025, 17.8% of beds will be new. Call 12345 now. It is open from 9:00 every day, and free.")
    assert "".join(found).startswith("By 2025, ")
    assert "17.8%" in "".join(found)
    assert not [clause for clause in found if clause.rstrip().endswith("17.")]


@given(
    st.lists(
        st.sampled_from([*"居民服务养老，。！？、：；17.8%“”（）\n ", "12345", "根据", "App ", "community "]),
        max_size=120,
    ).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_streaming_cuts_as_the_whole_text_does(text: str) -> None:
    splitter = ClauseSplitter()
    streamed = [clause for character in text for clause in splitter.feed(character)] + splitter.finish()
    assert streamed == clauses(text)
    assert "".join(streamed) == text


def test_first_clause_does_not_wait_for_the_end() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("根据行动方案第十四条，到") == ["根据行动方案第十四条，"]
