"""Documents as plain escaped HTML: whole pages that need no script, and one article for a panel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from assistant.contracts import Conversation, Document, Passage
from assistant.numerals import numeral

NUMBER = re.compile(r"^[(（][一二三四五六七八九十]+[)）]\s*")  # (十四) before a heading


@dataclass(frozen=True)
class Article:
    """A top passage and its parts: an article's sentences, a card's fields, a chapter's articles."""

    passage: Passage
    parts: tuple[Passage, ...]


def article_name(number: int, english: bool = False) -> str:
    """第十四条, or Article 14."""
    return f"Article {number}" if english else f"第{numeral(number)}条"


def anchor(passage: Passage) -> str:
    """The anchor of an article's or card's heading on its document's page."""
    return f"article-{passage.article}" if passage.article is not None else f"passage-{passage.id}"


def document_link(doc: str, passage_id: str, article: int | None, english: bool = False) -> str:
    """Where a citation leads without scripts: its article, with the cited words marked."""
    language = "&lang=en" if english else ""
    place = f"article-{article}" if article is not None else f"passage-{passage_id}"
    page = f"/document/{quote(doc, safe='')}"
    return f"{page}?mark={quote(passage_id, safe='')}{language}#{quote(place, safe='')}"


def articles_of(passages: Sequence[Passage]) -> tuple[Article, ...]:
    """The articles, cards, chapters and notes of a document, in order, each with its parts."""
    parts: dict[str, list[Passage]] = {}
    for passage in passages:
        above = passage.parent or _chapter(passage)
        if above:
            parts.setdefault(above, []).append(passage)
    return tuple(
        Article(
            passage,
            tuple(
                sorted(
                    parts.get(passage.text if _is_chapter(passage) else passage.id, ()),
                    key=lambda part: part.order,
                )
            ),
        )
        for passage in passages
        if passage.parent is None
    )


def find_article(conversation: Conversation, passage_id: str) -> Article | None:
    """The article that ``passage_id`` is, or belongs to; None when there is no such passage."""
    passage = conversation.passage(passage_id)
    if passage is None:
        return None
    top = passage.parent or passage.id
    articles = articles_of(conversation.passages(passage.doc))
    return next((article for article in articles if article.passage.id == top), Article(passage, ()))


def article_html(article: Article, mark: str = "", english: bool = False) -> str:
    """One article; the part with the id ``mark`` (or the whole, if it is the article's own) is marked."""
    passage = article.passage
    whole = mark == passage.id
    translation = _translation(article, mark) if english else ""
    if _is_chapter(passage):
        heading = _words(passage, whole)
        names = "".join(f"<li>{_name(part, english)}</li>" for part in article.parts)
        body = f"<ul>{names}</ul>"
        translation = ""
    elif passage.kind == "about":
        heading = ""
        body = f"<p>{_words(passage, whole)}</p>"
    elif passage.kind == "card":
        heading = f"{sample_badge(english) if passage.sample else ''}{escape(passage.title)}"
        body = "".join(f"<p>{_words(part, part.id == mark)}</p>" for part in (passage, *article.parts))
    else:
        heading = f"{sample_badge(english) if passage.sample else ''}{_name(passage, english)}"
        sentences = [part for part in article.parts if part.kind != "field"] or [passage]
        fields = [part for part in article.parts if part.kind == "field"]  # who is responsible: lines of their own
        body = f"<p>{''.join(_words(part, whole or part.id == mark) for part in sentences)}</p>"
        body += "".join(f'<p class="field">{_words(part, whole or part.id == mark)}</p>' for part in fields)
    heading = f"<h3>{heading}</h3>" if heading else ""
    return f'<article class="article" id="{escape(anchor(passage))}">{heading}{body}{translation}</article>'


def _is_chapter(passage: Passage) -> bool:
    return passage.kind == "about" and passage.field == "chapter"


def _chapter(passage: Passage) -> str:
    """The heading of the chapter that an article stands in; empty for everything else."""
    return passage.path[1] if passage.kind == "article" and len(passage.path) > 2 else ""


def _name(passage: Passage, english: bool) -> str:
    """第十四条 and its own heading, the last step of its path, without the number once more."""
    heading = NUMBER.sub("", passage.path[-1]) if len(passage.path) > 1 else ""
    number = article_name(passage.article, english) if passage.article is not None else ""
    return f'<span class="number">{number}</span> {escape(heading)}'


def _words(passage: Passage, marked: bool) -> str:
    text = escape(passage.text)
    name = f' id="passage-{escape(passage.id)}"' if passage.parent else ""  # a top passage has its own anchor
    return f"<span{name}>{f'<mark>{text}</mark>' if marked else text}</span>"


def _translation(article: Article, mark: str) -> str:
    parts = [part for part in (article.parts or (article.passage,)) if part.english]
    if not parts:
        return ""
    lines = " ".join(
        f"<mark>{escape(part.english or '')}</mark>" if part.id == mark else escape(part.english or "")
        for part in parts
    )
    heading = "English translation (for reference)"
    return f'<div class="translation" lang="en"><h4>{heading}</h4><p>{lines}</p></div>'


def sample_badge(english: bool = False) -> str:
    """The badge that everything invented for demonstration wears."""
    return f'<span class="badge-sample">{"Sample 示例" if english else "示例"}</span> '


def document_page(document: Document, articles: Sequence[Article], mark: str = "", english: bool = False) -> str:
    """A whole document as a page of its own."""
    facts = [document.issuer, document.number, document.issued.isoformat() if document.issued else ""]
    chapters = {one.passage.text: one.passage for one in articles if _is_chapter(one.passage)}
    body: list[str] = []
    chapter = ""
    for article in articles:
        if _is_chapter(article.passage):
            continue  # stands before its first article
        above = _chapter(article.passage)
        if above and above != chapter:
            chapter = above
            heading = chapters.get(above)
            name = f' id="{escape(anchor(heading))}"' if heading else ""
            text = _words(heading, heading.id == mark) if heading else escape(above)
            body.append(f"<h2{name}>{text}</h2>")
        body.append(article_html(article, mark, english))
    badge = sample_badge(english) if document.sample else ""
    back = "Back to the assistant" if english else "返回问答"
    return (
        f'<!doctype html><html lang="{"en" if english else "zh-CN"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.title)}</title>"
        '<link rel="stylesheet" href="/api/document.css"></head><body class="document-page">'
        f'<header><a class="back" href="/{"?lang=en" if english else ""}">← {back}</a></header>'
        f"<main><h1>{badge}{escape(document.title)}</h1>"
        f'<p class="facts">{escape(" · ".join(fact for fact in facts if fact))}</p>'
        f"{''.join(body)}</main></body></html>"
    )
