"""Joins taking in to the rest: limits from the settings, what is published, and the sources that are watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.contracts import Passage
from assistant.errors import IntakeError, KnowledgeError
from assistant.settings import Settings
from knowledge.intake.git_source import GitRepository
from knowledge.intake.limits import MIB, Limits, Progress
from knowledge.intake.pipeline import Options
from knowledge.intake.process import take_in
from knowledge.intake.sources import Source, WatchedFolder
from knowledge.intake.store import Store
from knowledge.intake.values import Intake
from knowledge.release import current


def limits_of(config: Settings) -> Limits:
    """What the settings allow one file."""
    return Limits(
        file=config.intake_file_mib * MIB,
        pages=config.intake_pages,
        rows=config.intake_rows,
        memory_mib=config.intake_memory_mib,
        seconds=config.intake_seconds,
        ocr=config.intake_ocr,
    )


def store_of(config: Settings) -> Store:
    """Where previews wait for staff."""
    return Store(config.data_folder / "intake" / "previews")


def published_passages(config: Settings) -> Sequence[Passage]:
    """All passages that are published now; none before the first publishing."""
    release = current(config.data_folder)
    return release.corpus().passages if release else ()


def preview(
    config: Settings,
    source: Path | bytes,
    name: str = "",
    options: Options | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    published: Sequence[Passage] | None = None,
) -> Intake:
    """The preview of one file against what is published; blocks. Raises IntakeError, IntakeCancelled."""
    known = published_passages(config) if published is None else published
    return take_in(
        source,
        name,
        published=known,
        published_count=len(known),
        options=options,
        limits=limits_of(config),
        progress=progress,
        cancelled=cancelled,
    )


def sources_of(config: Settings) -> dict[str, Source]:
    """The sources that the settings name, by where previews say they come from."""
    out: dict[str, Source] = {}
    work, largest = config.data_folder / "intake", config.intake_file_mib * MIB
    if config.intake_folder is not None:
        out["folder"] = WatchedFolder(config.intake_folder, work / "folder.json", largest)
    if config.intake_git:
        branch, below = config.intake_git_branch, config.intake_git_folder
        out["git"] = GitRepository(config.intake_git, work / "git", branch, below, largest)
    return out


@dataclass(frozen=True)
class Looked:
    """What one look at the sources gave: ids of new previews, and what staff should know."""

    previews: tuple[str, ...]
    messages: tuple[str, ...]


def look(config: Settings, sources: dict[str, Source], cancelled: Callable[[], bool] = lambda: False) -> Looked:
    """Take in what is new in the sources and keep the previews; nothing is published.

    A file that can't be taken in is named once, and again only when it changes.
    """
    store = store_of(config)
    previews: list[str] = []
    messages: list[str] = []
    for origin, source in sources.items():
        poll = source.poll()
        messages += poll.problems
        messages += [f"“{name}”已经不在了；已发布的内容没有改动。" for name in poll.gone]
        known = published_passages(config) if poll.found else ()
        for file in poll.found:
            try:
                intake = preview(config, file.data, file.name, cancelled=cancelled, published=known)
            except IntakeError as error:
                if error.code == "cancelled":
                    return Looked(tuple(previews), tuple(messages))
                messages.append(f"“{file.name}”：{error.message}{error.hint}")
            else:
                previews.append(store.save(intake, origin))
            source.acknowledge(file.name, file.version)
    return Looked(tuple(previews), tuple(messages))


def keep_looking(
    config: Settings,
    told: Callable[[Looked], None],
    stopped: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Look every ``intake_poll`` seconds until ``stopped()``; errors of one look don't end it."""
    sources = sources_of(config)
    while not stopped():
        try:
            looked = look(config, sources, stopped)
        except (KnowledgeError, OSError) as error:
            looked = Looked((), (f"这一次没有看成：{error}",))
        told(looked)
        waited = 0.0
        while waited < config.intake_poll and not stopped():
            pause(min(0.5, config.intake_poll))
            waited += 0.5
