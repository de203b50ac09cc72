"""Turns as HTML: escaped, complete, and calm or urgent as they should be."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from assistant.contracts import Answer, Language
from tests.http.conversation import POISON, ScriptedConversation, cite
from ui.render import Tab, Turn, header_html, thread_html, turn_html
from ui.words import CHINESE, ENGLISH


def answered(answer: Answer, question: str = "问题", language: Language = Language.CHINESE) -> Turn:
    return Turn(question, language, turn_id=1, status="answered", answer=answer)


def test_everything_foreign_is_escaped() -> None:
    evil = Answer(
        text=POISON,
        citations=(cite("plan#14.3").model_copy(update={"title": POISON, "path": (POISON,), "doc": POISON}),),
        suggestions=(POISON,),
        hotline='12345"><script>',
    )
    turns = [
        answered(evil, POISON),
        answered(evil.model_copy(update={"refused": True}), POISON),
        answered(evil.model_copy(update={"emergency": True}), POISON),
        Turn(POISON, Language.CHINESE, status="streaming", text=POISON),
        Turn(POISON, Language.CHINESE, status="stopped", text=POISON),
        Turn(POISON, Language.CHINESE, status="failed", text=POISON),
    ]
    for turn in turns:
        html = turn_html(turn, 0, last=True)
        assert "<script" not in html
        assert "<b onclick" not in html
        assert "&lt;script&gt;" in html


def test_citation_names_document_article_and_path() -> None:
    turn = answered(Answer(text="好", citations=(cite("plan#14.2"),)))
    html = turn_html(replace(turn, documents={"plan#14.2": "plan"}), 0, True)
    assert "《社区服务行动方案(测试)》 <b>第十四条</b>" in html
    assert "› 一、提升社区服务 › (十四)加快建设一刻钟生活圈" in html
    assert 'href="/document/plan?mark=plan%2314.2#article-14"' in html
    assert "示例" not in html


def test_sample_is_badged_on_answer_and_card() -> None:
    html = turn_html(answered(Answer(text="好", citations=(cite("cards#canteen.hours"),))), 0, True)
    assert html.count('class="badge-sample"') == 2
    assert CHINESE.sample_note in html


def test_card_is_no_book() -> None:
    html = turn_html(answered(Answer(text="好", citations=(cite("cards#canteen.hours"),))), 0, True)
    assert "《" not in html
    assert "› 社区服务卡片" in html


def test_answer_without_suggestions_offers_the_first_ones_not_yet_asked() -> None:
    tab = Tab("s", turns=[answered(Answer(text="好"), "甲?")])
    html = thread_html(tab, ("甲?", "乙?"))[-1]
    assert 'data-ask="乙?"' in html
    assert 'data-ask="甲?"' not in html


def test_refusal_offers_a_person() -> None:
    html = turn_html(answered(Answer(text="没有", refused=True, hotline="12345")), 0, True)
    assert 'class="reply refused"' in html
    assert '<a class="call" href="tel:12345">拨打 12345</a>' in html


def test_emergency_has_every_number_once_and_no_thumbs() -> None:
    answer = Answer(text="请拨打 119 或 120。编号 1199 不是。", emergency=True, hotline="119")
    html = turn_html(answered(answer), 0, True)
    assert html.count('href="tel:119"') == 1
    assert html.count('href="tel:120"') == 1
    assert html.count('class="call"') == 2
    assert 'role="alert"' in html
    assert "data-rate" not in html


def test_only_the_last_turn_suggests() -> None:
    turn = answered(Answer(text="好", suggestions=("接着问?",)))
    tab = Tab("s", turns=[turn, replace(turn)])
    welcome, first, second = thread_html(tab, ("开头?",))
    assert "开头?" not in welcome
    assert "接着问?" not in first
    assert 'data-ask="接着问?"' in second


def test_welcome_suggests_before_the_first_question() -> None:
    tab = Tab("s")
    suggestions = ScriptedConversation().suggestions(Language.CHINESE)
    (welcome,) = thread_html(tab, suggestions)
    assert all(f'data-ask="{question}"' in welcome for question in suggestions)


def test_thumb_is_thanked_once_given() -> None:
    turn = answered(Answer(text="好"))
    assert CHINESE.good in turn_html(turn, 3, True)
    html = turn_html(replace(turn, good=False), 3, True)
    assert CHINESE.thanks in html
    assert "data-rate" not in html


def test_languages_do_not_mix() -> None:
    answer = Answer(text="Yes", language=Language.ENGLISH, citations=(cite("plan#14.2"),))
    html = turn_html(answered(answer, "Q", Language.ENGLISH), 0, True)
    assert "Article 14" in html
    assert ENGLISH.sources in html
    assert CHINESE.sources not in html
    assert "lang=en" in html


@pytest.mark.parametrize("language", list(Language))
def test_header_shows_the_pressed_language(language: Language) -> None:
    html = header_html(language)
    assert html.count('aria-pressed="true"') == 1
    assert f'data-language="{language.value}" lang="{language.value}" aria-pressed="true"' in html


def test_every_word_is_translated() -> None:
    for field in fields(CHINESE):
        chinese, english = getattr(CHINESE, field.name), getattr(ENGLISH, field.name)
        assert chinese
        assert english
        assert chinese != english
        assert english.isascii() or not any("\u4e00" <= letter <= "\u9fff" for letter in english)
