"""Tiles and service cards: only what the answer itself says, typed, with its label."""

from __future__ import annotations

import re

import pytest

from assistant.contracts import Answer, Citation, Language, Passage, Target
from tests.http.conversation import ScriptedConversation, cite, passage
from ui.cards import article_of, facts_html, numbers_to_call, service_html
from ui.facts import Fact, facts, service
from ui.words import words

CHINESE = words(Language.CHINESE)
BEDS = Target(
    subject="养老床位总数", quantity=178000, unit="张", deadline="2025年", deadline_year=2025, text="总数达到17.8万张"
)
CARE = Target(subject="照护床位", quantity=15000, unit="张", deadline="2025年", deadline_year=2025, text="达到1.5万张")
FULL = Target(subject="友好社区建设", quantity=100, unit="%", qualifier="全覆盖", text="实现街镇全覆盖")


def sentence(*targets: Target, departments: tuple[str, ...] = ()) -> Passage:
    return passage(id="plan#1", text="…", targets=targets, departments=departments)


def said(text: str, **more: object) -> Answer:
    return Answer.model_validate({"text": text, "citations": (cite("plan#14.2"),), **more})


def test_figures_are_shown_as_the_answer_words_them() -> None:
    shown = facts(said("到2025年，养老床位总数达到17.8万张。"), [sentence(BEDS, CARE)])
    assert shown == (Fact("figure", "17.8万", "张", "养老床位总数"), Fact("deadline", "2025年"))


@pytest.mark.parametrize(
    "text",
    ["养老床位总数达到17.8万人。", "养老床位总数达到1.78万张。", "养老床位会增加。", "新增母婴室178000张。"],
)
def test_what_the_answer_does_not_say_is_not_shown(text: str) -> None:
    assert facts(said(text), [sentence(BEDS)]) == ()


def test_nothing_is_shown_beside_a_refusal_or_an_emergency() -> None:
    text = "养老床位总数达到17.8万张"
    assert facts(said(text, refused=True), [sentence(BEDS)]) == ()
    assert facts(said(text, emergency=True), [sentence(BEDS)]) == ()


def test_full_cover_has_no_figure_and_needs_its_words() -> None:
    assert facts(said("实现街镇全覆盖。"), [sentence(FULL)]) == (Fact("figure", "全覆盖", "", "友好社区建设"),)
    assert facts(said("推进友好社区建设。"), [sentence(FULL)]) == ()


def test_departments_are_those_that_the_answer_names() -> None:
    found = facts(said("由市民政局负责。"), [sentence(departments=("市民政局", "市教委"))])
    assert found == (Fact("department", "市民政局"),)
    english = said("The Civil Affairs Bureau is responsible.", language="en")
    names = {"市民政局": "Civil Affairs Bureau", "市教委": "Education Commission"}
    assert facts(english, [sentence(departments=tuple(names))], names) == (Fact("department", "Civil Affairs Bureau"),)


def test_an_english_figure_stands_with_its_own_clause() -> None:
    answer = said("By 2025, the city will have 178,000 beds and more.", language="en")
    assert facts(answer, [sentence(BEDS)]) == (
        Fact("figure", "178,000", "", "beds"),
        Fact("deadline", "2025"),
    )


class Cards(ScriptedConversation):
    """The scripted conversation with a card of typed fields."""

    parts = (
        passage(id="cards#a", kind="card", doc="cards", title="示例<b>中心", text="…", sample=True, english="Centre: x"),
        *(
            passage(
                id=f"cards#a.{field}", kind="field", doc="cards", parent="cards#a", field=field, text="…", values=values,
                english_values=english, sample=True,
            )
            for field, values, english in (
                ("where", ("示例路1号",), ("1 Sample Road",)),
                ("documents", ("身份证", "户口簿"), ("ID card",)),
                ("steps", ("取号",), ()),
            )
        ),
    )  # fmt: skip

    def passage(self, passage_id: str) -> Passage | None:
        return next((one for one in self.parts if one.id == passage_id), super().passage(passage_id))

    def passages(self, doc: str) -> tuple[Passage, ...]:
        return tuple(one for one in self.parts if one.doc == doc)


def test_a_service_card_has_its_fields_and_lists() -> None:
    citation = Citation(doc="d", article=None, quote="q", passage_id="cards#a.documents")
    card = service(Cards(), Answer(text="要带身份证", citations=(citation,)))
    assert card is not None
    assert card.fields == (("where", "示例路1号"),)
    assert card.lists == (("documents", ("身份证", "户口簿")), ("steps", ("取号",)))
    html = service_html(card, CHINESE)
    assert "示例&lt;b&gt;中心" in html
    assert 'class="badge-sample"' in html
    assert re.findall(r"<li>(.*?)</li>", html) == ["身份证", "户口簿", "取号"]
    assert CHINESE.bring in html
    english = service(Cards(), Answer(text="Bring it", citations=(citation,), language=Language.ENGLISH))
    assert english is not None
    assert (english.name, english.fields, english.lists[0]) == (
        "Centre", (("where", "1 Sample Road"),), ("documents", ("ID card",)),
    )  # fmt: skip


def test_an_article_is_no_service_card() -> None:
    assert service(ScriptedConversation(), said("覆盖率达到85%以上。")) is None
    assert service(ScriptedConversation(), said("没有", refused=True)) is None


def test_the_cited_article_is_marked_and_tiles_are_escaped() -> None:
    html = article_of(ScriptedConversation(), said("…"))
    assert "<mark>到2025年底" in html
    assert "<script>" not in html
    assert "<i>" not in facts_html([Fact("figure", "<i>1", "", "<x>")], CHINESE).replace("<i></i>", "")
    assert numbers_to_call(said("请拨打 110。", hotline="119")) == ("119", "110")
