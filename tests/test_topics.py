"""The kiosk's topic buttons on the real knowledge: each asks something that is answered."""

from __future__ import annotations

from itertools import chain

import pytest

from ui.kiosk.words import TOPICS, kiosk_topics


@pytest.mark.real
async def test_every_topic_is_answered(assistant) -> None:
    conversation = assistant(engine="extractive")
    for language, (_, question) in chain.from_iterable(((code, topic) for topic in TOPICS[code]) for code in TOPICS):
        answers = [event.answer async for event in conversation.ask(question, f"topic-{question}") if event.answer]
        assert len(answers) == 1
        assert not answers[0].refused, question
        assert answers[0].citations, question
        assert answers[0].language.value == language
    traditional_ones = [question for _, question in kiosk_topics()["hant"]]
    for question in traditional_ones:
        answers = [event.answer async for event in conversation.ask(question, f"topic-{question}") if event.answer]
        assert not answers[0].refused, question
