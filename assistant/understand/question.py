"""From a resident's words and the conversation to a Question that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.contracts import Exchange, FactKind, Language, Question
from assistant.understand.clean import detect_language
from assistant.understand.follow_up import resolve
from assistant.understand.intent import departments_named, understand


def make_question(
    text: str,
    memory: Sequence[Exchange] = (),
    language: Language | None = None,
    aliases: Mapping[str, str] | None = None,
    this_year: int = 2026,
    sample_names: Sequence[str] = ("示例", "sample community"),
) -> Question:
    """Read ``text`` (cleaned) in the light of ``memory``, oldest exchange first.

    The language is the one that was asked in; ``language`` decides where the words don't.
    """
    spoken = detect_language(text) if any(c.isalpha() for c in text) else (language or Language.CHINESE)
    intent = understand(text, this_year)
    resolved = resolve(text, memory, intent.kinds, spoken)
    kinds = intent.kinds
    years, places = intent.years, intent.places
    if resolved.follow_up and kinds == (FactKind.GENERAL,):
        kinds = understand(resolved.text, this_year).kinds
    return Question(
        text=text,
        resolved=resolved.text,
        language=spoken,
        kinds=kinds,
        years=years,
        places=places,
        departments=departments_named(text, aliases or {}),
        article=resolved.article or intent.article,
        chapter=intent.chapter,
        yes_no=intent.yes_no,
        more=resolved.more,
        focus=resolved.focus,
        follow_up=resolved.follow_up,
        asks_sample=any(name in text.lower() for name in sample_names),
    )
