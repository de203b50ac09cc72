"""The kiosk's card of one answer: facts, service, source with its sentence marked, and what to ask next."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from assistant.contracts import Answer, Conversation, Language
from assistant.http.pages import sample_badge
from ui.cards import article_of, facts_html, numbers_to_call, service_html, source_name, suggestions_html
from ui.facts import facts, service
from ui.kiosk.script import as_published, traditional, traditional_html
from ui.kiosk.words import kiosk_words
from ui.words import words

QUESTIONS = 3


def card(conversation: Conversation, answer: Answer, code: str, english_names: Mapping[str, str]) -> dict[str, Any]:
    """What the page needs of an answer.

    ``kind`` is answer, refused, emergency or talk; ``html`` the card, ``print`` the sheet (both
    without the code to take home), ``article`` the whole cited article, ``text`` the answer's
    words in the page's characters.
    """
    word = kiosk_words()[code]
    told = words(answer.language)
    english = answer.language is Language.ENGLISH
    passages = [found for one in answer.citations if (found := conversation.passage(one.passage_id))]
    tiles = facts_html(facts(answer, passages, english_names), told)
    card_of_service = service(conversation, answer)
    place = service_html(card_of_service, told)
    sample = any(one.sample for one in answer.citations)
    note = f'<p class="sample-note">{sample_badge(english)}{told.sample_note}</p>' if sample else ""
    article = article_of(conversation, answer)
    kind = _kind(answer)
    calls = "".join(
        f'<p class="number">{escape(word["call"].format(number))}</p>' for number in numbers_to_call(answer)
    )
    source = ""
    if article:
        first = answer.citations[0]
        original = f'<p class="original">{word["original"]}</p>' if code == "hant" and word["original"] else ""
        source = (
            f'<div class="source"><h3>{word["source"]}</h3><p class="where-from">'
            f"{sample_badge(english) if first.sample else ''}{source_name(first, english)}</p>"
            f'<blockquote class="quote" lang="zh-CN">{as_published(escape(first.quote))}</blockquote>{original}'
            f'<button type="button" data-do="article">{word["whole"]}</button></div>'
        )
    shown = escape(answer.text)
    if kind == "emergency":
        body = f'<h2>{word["emergency"]}</h2><p class="said">{shown}</p>{calls}'
    elif kind == "refused":
        body = f"<h2>{word['refusal']}</h2>{calls}"
    else:
        body = f"{tiles}{place}{note}{source}"
    more = suggestions_html(answer.suggestions[:QUESTIONS], word["ask_next"]) if kind != "emergency" else ""
    quotes = "".join(
        f"<blockquote>{as_published(escape(one.quote))}<footer>{source_name(one, english)}</footer></blockquote>"
        for one in answer.citations
    )
    sheet = f'<h1>{word["title"]}</h1><p class="said">{shown}</p>{tiles}{place}{note}{calls}{quotes}'
    change = traditional_html if code == "hant" and not english else str
    return {
        "kind": kind,
        "language": answer.language.value,
        "text": traditional(answer.text) if code == "hant" and not english else answer.text,
        "html": change(body),
        "more": change(more),
        "print": change(sheet),
        "article": change(as_published(article)),
        "takeaway": kind == "answer",
    }


def _kind(answer: Answer) -> str:
    if answer.emergency:
        return "emergency"
    if answer.refused:
        return "refused"
    return "answer" if answer.citations else "talk"
