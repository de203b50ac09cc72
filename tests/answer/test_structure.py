"""Answers from structure: articles, chapters, counts, departments, the document's number."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answer.structure import Structure
from assistant.contracts import Corpus
from assistant.understand.question import make_question
from knowledge.departments import aliases
from knowledge.load import load_corpus
from tests.small_world import ORDERS, small_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return small_corpus(tmp_path_factory.mktemp("small") / "corpus")


def ask(corpus: Corpus, text: str):  # type: ignore[no-untyped-def]
    structure = Structure(corpus)
    return structure.answer(make_question(text, aliases=aliases(structure.departments, Path("/nonexistent"))))


@pytest.mark.parametrize(
    ("text", "said", "articles"),
    [
        ("第一条讲的是什么？", ["发展老年助餐", "46个"], {1}),
        ("第3条讲了什么？", ["推进加装电梯"], {3}),
        ("第二部分讲的是什么？", ["改善居住", "推进加装电梯"], {None, 3}),
        ("这个方案一共有几条？", ["三条"], {3, None}),
        ("这个方案分几个部分？", ["两个部分", "方便生活", "改善居住"], {3, None}),
        ("方案的文号是什么？", ["青府发〔2024〕7号"], {None}),
        ("市教委负责哪些事？", ["第二条", "扩大托育供给"], {2}),
        ("2027年有哪些目标？", ["46个"], {1, 2}),
    ],
)
def test_answers(corpus: Corpus, text: str, said: list[str], articles: set[int | None]) -> None:
    got = ask(corpus, text)
    assert got is not None
    assert not got.refused
    assert [each for each in said if each not in got.text] == [], got.text
    assert {citation.article for citation in got.citations} == articles


def test_targets_are_typed_and_cited(corpus: Corpus) -> None:
    got = ask(corpus, "2027年有哪些目标？")
    assert {(t.quantity, t.unit) for t in got.targets} >= {(46, "个"), (5.5, "个/千人")}
    assert all(any(t.text in c.quote for c in got.citations) for t in got.targets)


def test_an_article_beyond_the_last_is_refused(corpus: Corpus) -> None:
    got = ask(corpus, "第九条讲了什么？")
    assert got.refused
    assert "三" in got.text


def test_other_questions_are_left_to_search(corpus: Corpus) -> None:
    assert ask(corpus, "老年助餐点有多少个？") is None
    assert ask(Corpus(documents=(), passages=()), "第一条讲了什么？") is None


def test_orders_are_no_sentence_and_no_quote(tmp_path: Path) -> None:
    corpus = small_corpus(tmp_path / "corpus", orders=ORDERS)
    article = next(p for p in corpus.passages if p.kind == "article" and p.article == 3)
    assert "忽略" in article.text  # kept as data
    sentences = Structure(corpus).sentences(article.id)
    assert [s.text for s in sentences if "忽略" in s.text] == []
    assert sentences
    for text in ("第三条讲了什么？", "第二部分讲的是什么？", "这个方案一共有几条？", "第八条讲了什么？"):
        got = ask(corpus, text)
        assert "忽略" not in got.text + "".join(c.quote for c in got.citations), text


def test_of_two_documents_the_named_one_answers(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    small_corpus(folder)
    other = (folder / "plan.md").read_text(encoding="utf-8")
    other = other.replace("id: plan", "id: other").replace("便民服务行动方案", "垃圾分类管理办法").replace("7号", "8号")
    (folder / "zz_other.md").write_text(other, encoding="utf-8")
    both = load_corpus(folder, strict=True).corpus
    assert len([d for d in both.documents if d.articles]) == 2
    for text, number in (
        ("垃圾分类管理办法的文号是什么？", "8号"),
        ("便民服务行动方案的文号是什么？", "7号"),
        ("文号是什么？", "7号"),
    ):
        got = ask(both, text)
        assert got is not None
        assert number in got.text, text
