"""The page of an answer taken home: plain HTML for a phone and for paper, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from assistant.contracts import Language, Passage
from assistant.http.cards import CardView, card_of, telephone
from assistant.http.pages import article_name, sample_badge
from assistant.takeaway import Takeaway

WORDS = {
    Language.CHINESE: {
        "title": "小沪的回答",
        "answer": "回答",
        "source": "出处",
        "call": "打电话 {}",
        "where": "地址",
        "hours": "时间",
        "phone": "电话",
        "fee": "收费",
        "who": "给谁用",
        "documents": "要带的东西",
        "steps": "怎么办",
        "sample": "示例：这是演示用的内容，不是真的。",
        "until": "这个网页{}为止可以打开。里面没有您的名字，也没有您问的话。",
        "made": "{}的回答，办事前请再问一问有没有变。",
        "keep": "想留久一点，可以截屏，或者打印。",
        "gone": "这个网页已经打不开了",
        "gone_why": "它只留一段时间，或者网址不完整。请再问一次小沪，或者打12345。",
    },
    Language.ENGLISH: {
        "title": "Xiao Hu's answer",
        "answer": "Answer",
        "source": "Source",
        "call": "Ring {}",
        "where": "Address",
        "hours": "Hours",
        "phone": "Phone",
        "fee": "Fees",
        "who": "For whom",
        "documents": "What to bring",
        "steps": "How it is done",
        "sample": "Sample: made up for demonstration, not real.",
        "until": "This page can be opened until {}. It holds neither your name nor your question.",
        "made": "Answer of {}. Please ask whether anything has changed before you go.",
        "keep": "To keep it longer, take a screenshot or print it.",
        "gone": "This page is no longer here",
        "gone_why": "It is kept for a while only, or the address is incomplete. Please ask Xiao Hu again, or ring 12345.",
    },
}
_DAYS = {Language.CHINESE: ("今天", "明天", "后天"), Language.ENGLISH: ("today", "tomorrow")}


def moment(when: datetime, now: datetime, language: Language) -> str:
    """明天下午4点05分, or tomorrow 16:05."""
    ahead = (when.date() - now.date()).days
    days = _DAYS[language]
    if language is Language.ENGLISH:
        day = days[ahead] if 0 <= ahead < len(days) else f"{when.day} {when:%B %Y}"
        return f"{day} {when:%H:%M}"
    day = days[ahead] if 0 <= ahead < len(days) else date_words(when, language)
    half = "凌晨" if when.hour < 6 else "上午" if when.hour < 12 else "下午" if when.hour < 18 else "晚上"
    hour = when.hour - 12 if when.hour > 12 else when.hour
    return f"{day}{half}{hour}点{f'{when.minute:02}分' if when.minute else ''}"


def date_words(when: datetime, language: Language) -> str:
    """2026年11月25日, or 25 November 2026."""
    if language is Language.ENGLISH:
        return f"{when.day} {when:%B %Y}"
    return f"{when.year}年{when.month}月{when.day}日"


def take_page(page: Takeaway, now: datetime) -> str:
    """The whole page."""
    language = page.language
    words = WORDS[language]
    known = {passage.id: passage for passage in page.passages}
    cards = [card_of(whole) for whole in _cards(page.passages)]
    sample = any(citation.sample for citation in page.citations)
    badge = f'<p class="sample">{sample_badge(language is Language.ENGLISH)}{words["sample"]}</p>' if sample else ""
    text = (
        f'<section><h2>{words["answer"]}</h2><p class="answer">{escape(page.text)}</p></section>' if page.text else ""
    )
    numbers = [page.hotline, *(card.phone for card in cards if not card.sample)]
    calls = "".join(
        f'<a class="call" href="{escape(address)}">{words["call"].format(escape(number))}</a>'
        for number in dict.fromkeys(numbers)
        if (address := telephone(number))
    )
    sources = "".join(
        f'<blockquote lang="zh-CN"><p>{escape(citation.quote)}</p>{_english(known.get(citation.passage_id), language)}'
        f"<footer>{_place(citation.title, citation.path, citation.article, language)}"
        f"{_origin(known.get(citation.passage_id))}</footer></blockquote>"
        for citation in page.citations
    )
    sources = f"<section><h2>{words['source']}</h2>{sources}</section>" if sources else ""
    facts = "".join(_card(card, words) for card in cards)
    until = words["until"].format(f"<strong>{moment(page.until, now, language)}</strong>")
    body = (
        f"<main><h1>{words['title']}</h1>{badge}{text}{f'<p>{calls}</p>' if calls else ''}{facts}"
        f"{sources}"
        f'<p class="note">{words["made"].format(date_words(page.made, language))}</p>'
        f'<p class="note">{until} {words["keep"]}</p></main>'
    )
    return _whole(words["title"], body, language)


def gone_page(language: Language = Language.CHINESE) -> str:
    """What stands where a page was."""
    words = WORDS[language]
    return _whole(words["gone"], f"<main><h1>{words['gone']}</h1><p>{words['gone_why']}</p></main>", language)


def _whole(title: str, body: str, language: Language) -> str:
    code = "en" if language is Language.ENGLISH else "zh-CN"
    return (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<meta name="format-detection" content="telephone=no">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/api/document.css">'
        f'<link rel="stylesheet" href="/api/take.css"></head><body class="take-page">{body}</body></html>'
    )


def _cards(passages: Sequence[Passage]) -> list[tuple[Passage, ...]]:
    """Each card with its fields."""
    return [(card, *(p for p in passages if p.parent == card.id)) for card in passages if card.kind == "card"]


def _card(card: CardView, words: dict[str, str]) -> str:
    lines = "".join(
        f"<dt>{words[name]}</dt><dd>{escape(value)}</dd>"
        for name in ("where", "hours", "phone", "fee", "who")
        if (value := getattr(card, name))
    )
    lists = "".join(
        f"<h3>{words[name]}</h3><ul class={name}>{''.join(f'<li>{escape(each)}</li>' for each in values)}</ul>"
        for name in ("documents", "steps")
        if (values := getattr(card, name))
    )
    return f"<section><h2>{escape(card.name)}</h2>{f'<dl>{lines}</dl>' if lines else ''}{lists}</section>"


def _place(title: str, path: Sequence[str], article: int | None, language: Language) -> str:
    number = article_name(article, language is Language.ENGLISH) if article is not None else ""
    steps = [step for step in path if step.strip("《》") != title.strip("《》")]
    return escape(" › ".join(filter(None, (title, *steps, number))))


def _origin(passage: Passage | None) -> str:
    return f"<br>{escape(passage.source)}" if passage and passage.source else ""


def _english(passage: Passage | None, language: Language) -> str:
    if language is not Language.ENGLISH or passage is None or not passage.english:
        return ""
    return f'<p lang="en">{escape(passage.english)}</p>'
