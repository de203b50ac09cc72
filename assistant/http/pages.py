"""Documents as plain escaped HTML: whole pages that need no script, and one article for a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from assistant.contracts import Conversation, Document, Passage

DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Article:
    """An article or card, and its sentences or fields in order."""

    passage: Passage
    parts: tuple[Passage, ...]


def chinese_number(number: int) -> str:
    """1 to 99 as a document writes it: 14 is 十四. Larger numbers stay digits."""
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else DIGITS[tens] + "十"
    return head + (DIGITS[ones] if ones else "")


def article_name(number: int, english: bool = False) -> str:
    """第十四条, or Article 14."""
    return f"Article {number}" if english else f"第{chinese_number(number)}条"


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
    """The articles and cards of a document, in order, each with its parts."""
    parts: dict[str, list[Passage]] = {}
    for passage in passages:
        if passage.parent is not None:
            parts.setdefault(passage.parent, []).append(passage)
    return tuple(
        Article(passage, tuple(sorted(parts.get(passage.id, ()), key=lambda part: part.order)))
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
    heading = _heading(passage, english)
    marks_all = mark == passage.id
    if passage.kind == "card":
        body = _card(article, mark)
    elif article.parts:
        body = f"<p>{''.join(_sentence(part, marks_all or part.id == mark) for part in article.parts)}</p>"
    else:
        body = f"<p>{_sentence(passage, marks_all)}</p>"
    return (
        f'<article class="article" id="{escape(anchor(passage))}"><h3>{heading}</h3>{body}'
        f"{_translation(article, mark) if english else ''}</article>"
    )


def _heading(passage: Passage, english: bool) -> str:
    badge = sample_badge(english) if passage.sample else ""
    if passage.article is None:
        return f"{badge}{escape(passage.title)}"
    # The last step of the path is the article's own heading.
    name = passage.path[-1] if len(passage.path) > 1 else ""
    return f"{badge}<span class='number'>{article_name(passage.article, english)}</span> {escape(name)}"


def _sentence(passage: Passage, marked: bool) -> str:
    text = escape(passage.text)
    name = f' id="passage-{escape(passage.id)}"' if passage.parent else ""  # an article has its own anchor
    return f"<span{name}>{f'<mark>{text}</mark>' if marked else text}</span>"


def _card(article: Article, mark: str) -> str:
    if not article.parts:
        return f"<p>{_sentence(article.passage, mark == article.passage.id)}</p>"
    return f"<p>{'<br>'.join(_sentence(part, part.id == mark) for part in article.parts)}</p>"


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


def document_page(
    document: Document, articles: Sequence[Article], mark: str = "", english: bool = False
) -> str:
    """A whole document as a page of its own."""
    facts = [document.issuer, document.number, document.issued.isoformat() if document.issued else ""]
    body: list[str] = []
    chapter = ""
    for article in articles:
        path = article.passage.path
        if len(path) > 2 and path[1] != chapter:
            chapter = path[1]
            body.append(f"<h2>{escape(chapter)}</h2>")
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
