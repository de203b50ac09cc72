"""Turns as HTML. Everything that people or documents wrote is escaped here, and only here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal
from urllib.parse import quote

from assistant.contracts import Answer, Citation, Language
from assistant.http.pages import document_link, sample_badge
from ui.cards import facts_html, numbers_to_call, service_html, source_name, suggestions_html
from ui.facts import Fact, Service
from ui.voice_words import voice_words
from ui.words import Words, words


@dataclass
class Turn:
    """One question on the page and what has come of it so far."""

    question: str
    language: Language
    turn_id: int = 0
    status: Literal["waiting", "streaming", "answered", "stopped", "failed"] = "waiting"
    text: str = ""  # as streamed, or the message of a failure
    answer: Answer | None = None
    good: bool | None = None  # the resident's thumb
    documents: Mapping[str, str] = field(default_factory=dict)  # cited passage: id of its document
    facts: tuple[Fact, ...] = ()
    service: Service | None = None


@dataclass(eq=False)
class Tab:
    """What one browser tab shows; forgotten when the tab closes or is cleared."""

    session: str
    language: Language = Language.CHINESE
    turns: list[Turn] = field(default_factory=list)
    cleared: bool = False


def header_html(language: Language) -> str:
    """The bar on top: who speaks, the language switch, and the way to forget everything."""
    word = words(language)
    switch = "".join(
        f'<button type="button" data-language="{one.value}" lang="{one.value}" '
        f'aria-pressed="{"true" if one is language else "false"}">{label}</button>'
        for one, label in ((Language.CHINESE, "中文"), (Language.ENGLISH, "English"))
    )
    return (
        f'<header class="top" data-lang="{language.value}">'
        f'<img class="portrait" src="/ui/portrait.svg" alt="">'
        f'<div class="who"><h1>{word.name}</h1><p>{word.role}</p></div>'
        f'<div class="language" role="group" aria-label="{word.languages}">{switch}</div>'
        f'<button type="button" class="clear" data-clear>{word.clear}</button></header>'
    )


def composer_value(language: Language, busy: bool = False, ready: bool = True) -> dict[str, Any]:
    """What the composer's template needs."""
    word = words(language)
    return {
        "busy": busy,
        "ready": ready,
        "placeholder": word.placeholder,
        "send": word.send,
        "stop": word.stop,
        "empty": word.empty,
        "notice": word.notice,
    }


def voice_value(tab: Tab) -> dict[str, Any]:
    """What the page's voice needs; its session is the tab's, so that typed and spoken questions are one talk."""
    return {"session": tab.session, "language": tab.language.value, "words": voice_words(tab.language)}


def thread_html(tab: Tab, suggestions: Sequence[str]) -> list[str]:
    """One HTML string for each part of the thread: the welcome, then each turn."""
    last = len(tab.turns) - 1
    asked = {turn.question for turn in tab.turns}
    fresh = [question for question in suggestions if question not in asked]
    turns = [turn_html(turn, index, index == last, fresh) for index, turn in enumerate(tab.turns)]
    return [welcome_html(tab, suggestions), *turns]


def welcome_html(tab: Tab, suggestions: Sequence[str]) -> str:
    """The greeting; with questions to try as long as none has been asked."""
    word = words(tab.language)
    first = not tab.turns
    note = f'<p class="cleared" role="status">{word.cleared}</p>' if tab.cleared and first else ""
    return (
        f'<section class="welcome{" first" if first else ""}" lang="{_code(tab.language)}">{note}'
        f'<img class="portrait" src="/ui/portrait.svg" alt=""><h2>{word.greeting}</h2><p>{word.purpose}</p>'
        f"{suggestions_html(suggestions, word.try_asking) if first else ''}</section>"
    )


def turn_html(turn: Turn, index: int, last: bool, suggestions: Sequence[str] = ()) -> str:
    """One turn; questions to go on with only after the ``last``: the answer's own, else ``suggestions``."""
    word = words(turn.language)
    answer = turn.answer
    kind = turn.status
    if answer is not None:
        kind = "emergency" if answer.emergency else "refused" if answer.refused else kind  # type: ignore[assignment]
    busy = turn.status in {"waiting", "streaming"}
    more = ""
    if last and answer and not answer.emergency:
        more = suggestions_html(answer.suggestions or suggestions, word.ask_next)
    return (
        f'<section class="turn" data-turn="{index}"><div class="question">'
        f'<span class="unseen">{word.you_asked}</span><p>{escape(turn.question)}</p></div>'
        f'<div class="reply {kind}" aria-live="polite" aria-busy="{"true" if busy else "false"}" '
        f'lang="{_code(turn.language)}">{_reply(turn, index, word)}</div>{more}</section>'
    )


def _reply(turn: Turn, index: int, word: Words) -> str:
    answer = turn.answer
    if answer is None:
        if turn.status in {"stopped", "failed"}:
            partial = f'<p class="text">{escape(turn.text)}</p>' if turn.status == "stopped" and turn.text else ""
            message = word.stopped if turn.status == "stopped" else escape(turn.text)
            return f'{partial}<p class="message">{message}</p>'
        if not turn.text:
            dots = '<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>'
            return f'<p class="thinking">{word.thinking}{dots}</p>'
        return f'<p class="text">{escape(turn.text)}</p>'
    text = f'<p class="text">{escape(answer.text)}</p>'
    if answer.emergency:
        text = f'<h3 role="alert">{word.emergency}</h3>{text}{_calls(answer, word)}'
        return f"{text}{_citations(turn, answer, word)}"
    sample = any(citation.sample for citation in answer.citations)
    badge = f'<p class="sample-note">{sample_badge()}{word.sample_note}</p>' if sample else ""
    if answer.refused:
        calls = _calls(answer, word)
        person = f'<p class="person">{word.call_for_help}</p>{calls}' if calls else ""
        text = f"<h3>{word.refusal}</h3>{text}{person}"
    more = f"{facts_html(turn.facts, word)}{service_html(turn.service, word)}"
    return f"{text}{more}{badge}{_citations(turn, answer, word)}{_thumbs(turn, index, word)}"


def _calls(answer: Answer, word: Words) -> str:
    """A button for each number to call, the offered one first; nothing when there is none."""
    links = [(re.sub("[^0-9+]", "", number), word.call.format(escape(number))) for number in numbers_to_call(answer)]
    return "".join(f'<a class="call" href="tel:{dialled}">{label}</a>' for dialled, label in links)


def _citations(turn: Turn, answer: Answer, word: Words) -> str:
    if not answer.citations:
        return ""
    cards = "".join(
        _citation(citation, turn.documents.get(citation.passage_id, citation.doc), answer.language, word)
        for citation in answer.citations
    )
    return f'<div class="sources"><h4>{word.sources}</h4>{cards}</div>'


def _citation(citation: Citation, document: str, language: Language, word: Words) -> str:
    english = language is Language.ENGLISH
    link = document_link(document, citation.passage_id, citation.article, english)
    fragment = f"/document/{quote(document, safe='')}/article?mark={quote(citation.passage_id, safe='')}"
    badge = sample_badge(english) if citation.sample else ""
    name = citation.title.strip("《》")
    title = source_name(citation, english)
    steps = [step for step in citation.path if step.strip("《》") != name]
    path = f'<span class="path">› {" › ".join(map(escape, steps))}</span>' if steps else ""
    return (
        f'<a class="citation" href="{escape(link)}" '
        f'data-fragment="{escape(fragment)}{"&amp;lang=en" if english else ""}" '
        f'data-title="{re.sub("<.*?>", "", title).strip()}" data-close="{word.close}" data-whole="{word.whole_document}" '
        f'data-missing="{word.article_missing}" aria-haspopup="dialog">'
        f'<span class="source">{badge}{title}</span>{path}'
        f'<span class="quote" lang="zh-CN">{escape(citation.quote)}</span>'
        f'<span class="open">{word.open_source}</span></a>'
    )


def _thumbs(turn: Turn, index: int, word: Words) -> str:
    if turn.good is not None:
        return f'<p class="thumbs" role="status">{word.thanks}</p>'
    buttons = "".join(
        f'<button type="button" data-rate="{value}" data-turn="{index}">{label}</button>'
        for value, label in (("good", word.good), ("bad", word.bad))
    )
    return f'<div class="thumbs"><span>{word.rate}</span>{buttons}</div>'


def _code(language: Language) -> str:
    return "en" if language is Language.ENGLISH else "zh-CN"
