"""Documents as pages: escaped, marked, anchored."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from assistant.http.pages import article_name, document_link
from assistant.numerals import numeral
from tests.http.conversation import COVERAGE


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "一"), (10, "十"), (11, "十一"), (14, "十四"), (20, "二十"), (99, "九十九"), (100, "100")],
)
def test_chinese_number(number: int, written: str) -> None:
    assert numeral(number) == written


def test_article_name() -> None:
    assert article_name(14) == "第十四条"
    assert article_name(14, english=True) == "Article 14"


def test_cited_sentence_alone_is_marked(client: TestClient) -> None:
    page = client.get("/document/plan", params={"mark": "plan#14.2"}).text
    assert re.findall(r"<mark>(.*?)</mark>", page) == [COVERAGE]
    assert 'id="article-14"' in page
    assert 'id="article-15"' in page
    assert "一、提升社区服务" in page


def test_documents_are_escaped(client: TestClient) -> None:
    for path in ("/document/plan", "/document/plan/article?mark=plan%2314.3"):
        page = client.get(path).text
        assert "<script" not in page
        assert "onclick=&quot;" in page
        assert "&lt;script&gt;" in page


def test_chapters_and_notes_stand_in_their_places(client: TestClient) -> None:
    page = client.get("/document/plan", params={"mark": "plan#chapter-1"}).text
    assert page.index("现转发给你们") < page.index("<h2") < page.index('id="article-14"')
    assert page.count("一、提升社区服务") == 1
    assert "<mark>一、提升社区服务</mark></span></h2>" in page
    fragment = client.get("/document/plan/article", params={"mark": "plan#chapter-1"}).text
    assert "<mark>一、提升社区服务</mark>" in fragment
    assert "第十五条</span> 发展托育" in fragment


def test_heading_does_not_repeat_the_number(client: TestClient) -> None:
    page = client.get("/document/plan").text
    assert "第十四条</span> 加快建设一刻钟生活圈" in page


def test_departments_stand_on_their_own_line(client: TestClient) -> None:
    fragment = client.get("/document/plan/article", params={"mark": "plan#14.department"}).text
    assert fragment.count("<mark>") == 1
    assert '<p class="field"><span id="passage-plan#14.department"><mark>(责任部门' in fragment


def test_mark_is_never_echoed(client: TestClient) -> None:
    assert "<script" not in client.get("/document/plan", params={"mark": "<script>"}).text


def test_fragment_holds_one_article(client: TestClient) -> None:
    fragment = client.get("/document/plan/article", params={"mark": "plan#14.2"}).text
    assert fragment.count("<article") == 1
    assert f"<mark>{COVERAGE}</mark>" in fragment
    assert "translation" not in fragment


def test_english_fragment_adds_the_translation(client: TestClient) -> None:
    fragment = client.get("/document/plan/article", params={"mark": "plan#14.2", "lang": "en"}).text
    assert "Article 14" in fragment
    assert "<mark>By the end of 2025" in fragment


def test_sample_is_badged(client: TestClient) -> None:
    page = client.get("/document/cards", params={"mark": "cards#canteen.hours"}).text
    assert page.count("badge-sample") == 2  # the document, and its card
    assert "<mark>开放时间" in page


def test_link_survives_odd_ids() -> None:
    link = document_link("a b", "plan#1.2", 1)
    assert link == "/document/a%20b?mark=plan%231.2#article-1"


def test_style_is_ours(client: TestClient) -> None:
    style = client.get("/api/document.css").text
    assert "url(" not in style
    assert "@import" not in style
