"""Answers from structure, not luck: articles by number, departments, targets by year, the document itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from assistant.answer.compose import cite
from assistant.answer.holdings import Holdings, document_of, held
from assistant.answer.wording import short_name, tidy
from assistant.contracts import (
    Answer,
    Candidate,
    Citation,
    Corpus,
    Document,
    FactKind,
    Language,
    Passage,
    Question,
    Target,
)
from assistant.numerals import numeral

SHOWN = 4  # targets named in one answer

_WHOLE = re.compile(
    r"讲(的是|了|些)?(什么|啥)|(是|关于)(什么|啥)|说(的是|了|些)?(什么|啥)|内容|标题|题目|名称|主要|what|about|say",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"(一共|总共|共|共有|有)?(多少|几)(个)?(条(?!件|款不|街|路|线)|章|大?部分|方面|大块)|分(成|为)?几|how many (articles|chapters|parts|sections)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"文号|发文字号|文件(的)?(编号|字号)|document number", re.IGNORECASE)
_TARGETS = re.compile(
    r"(哪些|什么|有啥|列|所有|全部).{0,8}(目标|指标)|(目标|指标)(有|是)?(哪些|什么|啥)|(which|what|list).{0,12}targets",
    re.IGNORECASE,
)
_REVERSE = re.compile(
    r"(负责|管|牵头|参与|承担|主管)(着|了)?(方案)?(里|中)?(的)?(哪|什么|几|啥)|哪(几|些)(条|项|事|任务)|(职责|任务|责任)(是|有)?(哪|什么)|responsible for (what|which)|what .{0,24}responsible for",
    re.IGNORECASE,
)


TREES = 64  # documents whose structure stays in memory once asked for


@dataclass
class _Tree:
    """The structure of one document."""

    articles: dict[int, Passage] = field(default_factory=dict)
    chapters: list[Passage] = field(default_factory=list)
    children: dict[str, list[Passage]] = field(default_factory=lambda: defaultdict(list))
    number: Passage | None = None


class Structure:
    """What a release knows about itself."""

    def __init__(self, source: Holdings | Corpus, english_departments: Mapping[str, str] | None = None) -> None:
        self._english = dict(english_departments or {})
        self._holdings = held(source)
        self._documents = [d for d in self._holdings.documents if d.kind == "policy" and d.articles]
        self._document_numbers = {d.number for d in self._documents}
        self.departments = self._holdings.departments
        self._tree = lru_cache(TREES)(self._read)

    def _read(self, doc: str) -> _Tree:
        tree = _Tree()
        for passage in self._holdings.of(doc):
            if passage.kind == "article" and passage.article is not None:
                tree.articles[passage.article] = passage
            elif passage.kind == "about" and passage.text in self._document_numbers:
                tree.number = passage
            elif passage.kind == "about" and passage.field == "chapter":
                tree.chapters.append(passage)
            elif passage.parent and not passage.gives_orders:
                tree.children[passage.parent].append(passage)
        return tree

    def answer(self, question: Question) -> Answer | None:
        """An answer that needs no search, or None."""
        if not self._documents:
            return None
        make: Callable[[Document, Question], Answer | None]
        if question.article is not None and (
            _WHOLE.search(question.text) or question.follow_up or len(question.text) <= 8
        ):
            make = self._article
        elif question.chapter is not None and _WHOLE.search(question.text):
            make = self._chapter
        elif _NUMBER.search(question.text):
            make = self._document_number
        elif question.departments and _REVERSE.search(question.text):
            make = self._reverse
        elif _COUNT.search(question.text) and _of_document(question.text):
            make = self._count
        elif _TARGETS.search(question.text) and (question.years or _of_document(question.text)):
            make = self._targets
        else:
            return None
        return make(self._meant(question), question)

    def _meant(self, question: Question) -> Document:
        """The document whose title the question names most of; the first one when it names none."""

        def named(document: Document) -> int:
            title = re.sub(r"\W", "", document.title)
            return sum(title[i : i + 3] in question.text for i in range(len(title) - 2))

        return max(self._documents, key=named)

    def department(self, question: Question, candidates: tuple[Candidate, ...]) -> Answer | None:
        """Who is responsible for what the best candidate is about."""
        passage = candidates[0].passage
        field = self._field(passage, "department")
        return self._departments(passage, field, question) if field and field.departments else None

    def sentences(self, parent: str) -> list[Passage]:
        """The sentences of an article in order."""
        children = self._tree(document_of(parent)).children.get(parent, ())
        return sorted((p for p in children if p.kind == "sentence"), key=lambda p: p.order)

    def _field(self, passage: Passage, field: str) -> Passage | None:
        children = self._tree(passage.doc).children.get(passage.parent or passage.id, ())
        return next((p for p in children if p.field == field), None)

    def _departments(self, passage: Passage, field: Passage, question: Question) -> Answer:
        names = field.departments
        if question.language is Language.ENGLISH:
            listed = ", ".join(self._english.get(name, name) for name in names)
            text = f"Under article {passage.article} of the action plan, the responsible bodies are: {listed}."
        else:
            text = (
                f"{short_name(passage.title)}第{numeral(passage.article or 0)}条写明，"
                f"责任部门、单位是{'、'.join(names)}。"
            )
        return _structured(text, [cite(field), cite(passage)], question, departments=names)

    def _document_number(self, document: Document, question: Question) -> Answer | None:
        passage = self._tree(document.id).number
        if passage is None:
            return None
        if question.language is Language.ENGLISH:
            text = f"The document number of the action plan is {passage.text}."
        else:
            text = f"{short_name(document.title)}的文号是{passage.text}。"
        return _structured(text, [cite(passage)], question)

    def _article(self, document: Document, question: Question) -> Answer | None:
        number = question.article or 0
        article = self._tree(document.id).articles.get(number)
        if article is None:
            return self._beyond(document, question)
        first = next(iter(self.sentences(article.id)), None)
        if first is None:  # nothing in it may be said
            return None
        heading = _heading(article)
        if question.language is Language.ENGLISH:
            text = f"Article {number} of the action plan is “{article.english or heading}”. {first.english or ''}"
        else:
            text = f"{short_name(document.title)}第{numeral(number)}条是“{heading}”，其中提到：{tidy(first.text)}"
        return _structured(text.strip(), [_cited(article), cite(first)], question)

    def _beyond(self, document: Document, question: Question) -> Answer:
        last = self._tree(document.id).articles[document.articles]
        if question.language is Language.ENGLISH:
            text = f"The action plan has no such article; its last one is article {document.articles}."
        else:
            text = f"{short_name(document.title)}里没有这一条，最后一条是第{numeral(document.articles)}条“{_heading(last)}”。"
        return _structured(text, [_cited(last)], question).model_copy(update={"refused": True, "reason": "no_article"})

    def _chapter(self, document: Document, question: Question) -> Answer | None:
        tree = self._tree(document.id)
        chapters = tree.chapters
        number = question.chapter or 0
        if not 1 <= number <= len(chapters):
            return None
        chapter = chapters[number - 1]
        articles = [a for a in tree.articles.values() if len(a.path) > 1 and a.path[1] == chapter.text]
        headings = [_heading(article) for article in articles]
        if question.language is Language.ENGLISH:
            listed = "; ".join(article.english or _heading(article) for article in articles)
            text = f"Part {number} of the action plan is “{chapter.english or chapter.text}”. It covers: {listed}."
        else:
            text = (
                f"{short_name(document.title)}第{numeral(number)}部分是“{_bare(chapter.text)}”，"
                f"包括{'、'.join(headings)}。"
            )
        return _structured(text, [cite(chapter), *(_cited(article) for article in articles)], question)

    def _count(self, document: Document, question: Question) -> Answer:
        tree = self._tree(document.id)
        chapters, last = tree.chapters, tree.articles[document.articles]
        about_chapters = re.search(r"章|部分|方面|块|chapter|part|section", question.text, re.IGNORECASE)
        if question.language is Language.ENGLISH:
            text = f"The action plan has {document.articles} articles in {document.chapters} parts."
        elif about_chapters:
            listed = "、".join(f"“{_bare(c.text)}”" for c in chapters)
            text = f"{short_name(document.title)}分{'两' if document.chapters == 2 else numeral(document.chapters)}个部分：{listed}。"
        else:
            text = (
                f"{short_name(document.title)}一共{numeral(document.articles)}条，"
                f"最后一条是第{numeral(document.articles)}条“{_heading(last)}”。"
            )
        return _structured(text, [_cited(last), *(cite(c) for c in chapters)], question)

    def _reverse(self, document: Document, question: Question) -> Answer | None:
        name = question.departments[0]
        articles = [
            a
            for _, a in sorted(self._tree(document.id).articles.items())
            if any(each == name for each in a.departments)
        ]
        if not articles:
            return None
        if question.language is Language.ENGLISH:
            listed = "; ".join(f"article {a.article}, {a.english or _heading(a)}" for a in articles)
            text = f"In the action plan, {self._english.get(name, name)} shares responsibility for: {listed}."
        else:
            listed = "、".join(f"第{numeral(a.article or 0)}条“{_heading(a)}”" for a in articles)
            text = f"{short_name(document.title)}里，{name}参与负责的有{listed}。"
        fields = [self._field(a, "department") or a for a in articles]
        citations = [
            Citation(**(cite(f).model_dump() | {"quote": f"{_numbered(a)}{f.text}"}))
            for a, f in zip(articles, fields, strict=True)
        ]
        return _structured(text, citations, question, departments=(name,))

    def _targets(self, document: Document, question: Question) -> Answer | None:
        wanted = question.years
        found: list[tuple[Passage, Target]] = []
        for article in self._tree(document.id).articles.values():
            for sentence in self.sentences(article.id):
                found += [
                    (sentence, target) for target in sentence.targets if not wanted or target.deadline_year in wanted
                ]
        if not found:
            return None
        # One target an article first, so that the answer shows the breadth of the plan.
        first = list({pair[0].article: pair for pair in reversed(found)}.values())[::-1]
        shown = (first + [pair for pair in found if pair not in first])[:SHOWN]
        if question.language is Language.ENGLISH:
            listed = " ".join(p.english or tidy(p.text) for p, _ in shown)
            text = f"The action plan has many such targets. For example: {listed}"
        else:
            listed = "；".join(f"第{numeral(p.article or 0)}条，{tidy(t.text)[:-1]}" for p, t in shown)
            text = f"{short_name(document.title)}里这样的目标有不少，比如：{listed}。想听哪一方面，请告诉我。"
        answer = _structured(text, [cite(p) for p, _ in found], question)
        return answer.model_copy(update={"targets": tuple(t for _, t in found)})


def _structured(text: str, citations: list[Citation], question: Question, departments: tuple[str, ...] = ()) -> Answer:
    return Answer(
        text=text,
        citations=tuple(citations),
        language=question.language,
        engine="structure",
        departments=departments,
    )


def _cited(article: Passage) -> Citation:
    """A whole article; only its heading where its words address the model."""
    return cite(article, _heading(article) if article.gives_orders else None)


def wants_department(question: Question) -> bool:
    """Whether the question is who is responsible."""
    return FactKind.DEPARTMENT in question.kinds and not (
        {FactKind.PHONE, FactKind.ADDRESS, FactKind.PRICE} & set(question.kinds)
    )


def _of_document(text: str) -> bool:
    return bool(re.search(r"方案|文件|通知|规划|政策|计划|plan|document|policy", text, re.IGNORECASE))


def _heading(article: Passage) -> str:
    return _bare(article.path[-1]) if article.path else _bare(article.text.split("\n")[0])


def _numbered(article: Passage) -> str:
    return f"{article.path[-1]} " if article.path else ""


def _bare(heading: str) -> str:
    """(十四)构建… and 四、积极… without their numbers."""
    return re.sub(r"^[(（][一二三四五六七八九十]+[)）]|^[一二三四五六七八九十]+、", "", heading).rstrip("。")
