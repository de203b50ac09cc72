"""The parts of an answer's card as HTML, for the kiosk and the chat. What people or documents wrote is escaped here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from assistant.contracts import Answer, Citation, Conversation, Language
from assistant.http import pages
from ui.facts import Fact, Service
from ui.words import Words

# Short public numbers: emergency services, the citizens' hotline and its kin.
SHORT_NUMBER = re.compile(r"(?<!\d)(?:11[09]|12[02]|12\d{3}|96\d{3,4})(?!\d)")


def numbers_to_call(answer: Answer) -> tuple[str, ...]:
    """Telephone numbers of an answer, the offered one first."""
    found = [answer.hotline or "", *SHORT_NUMBER.findall(answer.text)]
    return tuple(dict.fromkeys(number for number in found if number))


def facts_html(facts: Sequence[Fact], word: Words) -> str:
    """Typed facts as tiles; empty when there is none."""
    labels = {"deadline": word.deadline, "department": word.department}
    tiles = "".join(
        f'<li class="fact {fact.kind}"><b>{escape(fact.value)}<i>{escape(fact.unit)}</i></b>'
        f"<span>{escape(fact.label or labels.get(fact.kind, ''))}</span></li>"
        for fact in facts
    )
    return f'<ul class="facts" aria-label="{word.facts}">{tiles}</ul>' if tiles else ""


def service_html(service: Service | None, word: Words) -> str:
    """A service card: where, when, whom to ring, and what to bring as a list to tick off."""
    if service is None or not (service.fields or service.lists):
        return ""
    labels = _labels(word)
    badge = pages.sample_badge() if service.sample else ""
    rows = "".join(f"<div><dt>{labels[name]}</dt><dd>{escape(value)}</dd></div>" for name, value in service.fields)
    lists = ""
    for name, entries in service.lists:
        items = "".join(f"<li>{escape(entry)}</li>" for entry in entries)
        tag = "ul" if name == "documents" else "ol"
        lists += f"<h5>{labels[name]}</h5><{tag} class='{name}'>{items}</{tag}>"
    return f'<div class="service"><h4>{badge}{escape(service.name)}</h4><dl>{rows}</dl>{lists}</div>'


def source_name(citation: Citation, english: bool) -> str:
    """《行动方案》 第十四条, or a card's own name; already escaped."""
    name = citation.title.strip("《》")
    # A card's title is its own name; only a document's name stands in title marks.
    title = f"《{name}》" if not citation.path or citation.path[0].strip("《》") == name else name
    number = pages.article_name(citation.article, english) if citation.article is not None else ""
    return f"{escape(title)} <b>{number}</b>"


def article_of(conversation: Conversation, answer: Answer) -> str:
    """The first cited article with the cited words marked; empty when the answer stands on none."""
    if not answer.citations or answer.refused:
        return ""
    mark = answer.citations[0].passage_id
    article = pages.find_article(conversation, mark)
    return pages.article_html(article, mark, answer.language is Language.ENGLISH) if article else ""


def suggestions_html(questions: Sequence[str], heading: str) -> str:
    """Questions as buttons; empty when there is none."""
    if not questions:
        return ""
    buttons = "".join(
        f'<button type="button" class="suggestion" data-ask="{escape(question)}">{escape(question)}</button>'
        for question in questions
    )
    return f'<div class="suggestions"><h4>{heading}</h4><div>{buttons}</div></div>'


def _labels(word: Words) -> Mapping[str, str]:
    return {
        "where": word.where,
        "hours": word.hours,
        "phone": word.phone,
        "fee": word.fee,
        "who": word.who,
        "documents": word.bring,
        "steps": word.steps,
    }
