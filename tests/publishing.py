"""A small corpus folder that is published with an embedder that needs no weights, for tests of publishing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from assistant.contracts import Answer
from assistant.main import Library
from assistant.main_publish import Publisher
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from assistant.turn import Assistant
from knowledge.release import Release
from tests.small_world import DAY, OpenGate, small_corpus

NOTICE = """---
id: notice
title: 青山街道理发点通知
owner: 青山街道办事处
valid_from: 2026-01-01
valid_until: 2026-12-31
---

# 青山街道理发点通知

### (一)设立理发点。

在社区设立理发点12个,每周三免费理发。
"""


def site(folder: Path, **more: object) -> Publisher:
    """A published small corpus in ``folder``/corpus and its data in ``folder``/data."""
    config = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_folder=folder / "data",
        corpus_folder=folder / "corpus",
        **more,  # type: ignore[arg-type]
    )
    if not config.corpus_folder.exists():
        small_corpus(config.corpus_folder)
    publisher = Publisher(config, FakeEmbedder())
    publisher.publish_folder("operator")
    return publisher


def library(publisher: Publisher, day: date = DAY) -> Library:
    """What a server has open."""
    return Library(publisher.settings, publisher.embedder, lambda: day)


def talker(library: Library) -> Assistant:
    """An assistant that answers whatever is nearest."""
    assistant = Assistant(library.knowledge, engine="extractive", today=library.today)
    assistant._gate = OpenGate()  # type: ignore[assignment]
    return assistant


async def ask(assistant: Assistant, text: str) -> Answer:
    """One question in a conversation of its own."""
    session = assistant.session(text)
    answer = await assistant.answer(text, session)
    assistant.erase(session.id)
    return answer


def approved(publisher: Publisher, *items: tuple[str, str | None], by: str = "editor") -> int:
    """A change set of whole files, approved; returns its id."""
    changes = publisher.changes
    id_ = changes.create(by, "一处修改").id
    for path, text in items:
        changes.put(id_, by, path, text, publisher.text(path))
    changes.submit(id_, by)
    changes.approve(id_, "reviewer")
    return id_


def publish(publisher: Publisher, *items: tuple[str, str | None]) -> Release:
    """Publish whole files through a change set."""
    return publisher.publish_change(approved(publisher, *items), "publisher")
