"""Kill a publishing process at random moments, many times, and look at what is left: `python -m tests.kill_publishing 1000`.

Each time a child of this process publishes a change of three files, tidies up, and now and then rolls back or restores.
It is killed (SIGKILL) somewhere on the way. What answers then must be whole: all three files of before, or all of after.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from assistant.errors import KnowledgeError
from assistant.main_publish import Publisher
from knowledge.backup import backup
from knowledge.release import current, releases
from tests.publishing import NOTICE, approved, ask, library, site, talker


def files(number: int) -> tuple[tuple[str, str], ...]:
    """Three files that all say ``number``."""
    return (
        ("notice.md", NOTICE.replace("12个", f"{number}个")),
        ("synonyms.yaml", f"- [理发点, 第{number}个说法]\n"),
        ("departments.yaml", f"市民政局: [第{number}处]\n"),
    )


def numbers(publisher: Publisher) -> set[int]:
    """What the three files of the current release say, in the content and in what is indexed, and what is answered."""
    release = current(publisher.data)
    assert release is not None, "no release answers"
    shelf = release.shelf()
    said = [p.text for p in shelf.of("notice") if p.kind == "sentence"]
    said += [shelf.synonyms[0][1], shelf.words.department_names["市民政局"][0]]
    said += [publisher.text(name) or "" for name in ("synonyms.yaml", "departments.yaml")]
    knowledge = library(publisher).knowledge()
    assert knowledge.release == release.name, "the release can't be opened"
    answer = asyncio.run(ask(talker(library(publisher)), "在社区设立理发点多少个？"))
    return {
        int("".join(c for c in text.replace("每周三", "") if c.isdigit()))
        for text in (*said, answer.citations[0].quote)
    }


def child(publisher: Publisher, number: int, archive: Path) -> None:
    """Publish ``number`` and do what else is done to a data folder."""
    id_ = approved(publisher, *files(number))
    publisher.publish_change(id_, "publisher")
    publisher.tidy(every=number % 3 == 0)
    if number % 5 == 0:
        publisher.restore(archive)
        publisher.publish_change(approved(publisher, *files(number)), "publisher")


def main(times: int) -> dict[str, object]:
    """Kill ``times`` children; raises AssertionError at the first release that is not whole."""
    chance = random.Random(11)
    found = {"kills": 0, "old": 0, "new": 0, "unfinished": 0}
    with tempfile.TemporaryDirectory(prefix="jiamenkou-kill-") as name:
        # Children are forked, and Chroma's threads don't come along: they would wait for ever.
        publisher = site(Path(name), releases_kept=4, vector_index="exact")
        publisher.publish_change(approved(publisher, *files(100)), "publisher")
        archive = Path(name) / "backup.tar.gz"
        backup(publisher.data, archive)
        started = time.perf_counter()
        child(Publisher(publisher.settings, publisher.embedder), 105, archive)
        takes = time.perf_counter() - started
        backup(publisher.data, archive)
        before = 105
        for number in range(200, 200 + times):
            process = os.fork()
            if process == 0:
                try:
                    child(Publisher(publisher.settings, publisher.embedder), number, archive)
                finally:
                    os._exit(0)
            time.sleep(chance.random() * takes * (1.0 if number % 5 == 0 else 0.7))
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            found["unfinished"] += os.WIFSIGNALED(status)
            answers = numbers(publisher)
            restored = {105} if number % 5 == 0 else set()
            assert len(answers) == 1, f"a mix answers: {answers}"
            (now,) = answers
            assert now in {before, number} | restored, f"{now} answers after {before} and {number}"
            found["kills"] += 1
            found["new" if now != before else "old"] += 1
            for change in publisher.changes.all("approved"):
                assert change.items, "a change set lost its items"
            before = now
        publisher.mend()
        publisher.publish_change(approved(publisher, *files(1)), "publisher")  # no lock and no half file is in the way
        publisher.tidy()
        assert numbers(publisher) == {1}
        for release in releases(publisher.data):
            release.shelf().corpus()
        named = {s.name for r in releases(publisher.data) for s in r.shelf().segments}
        left = {path.name for path in (publisher.data / "segments").iterdir()}
        assert left == named, f"left behind: {left - named}"
    return found


if __name__ == "__main__":
    try:
        print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 80)))
    except KnowledgeError as error:
        sys.exit(f"{error.message} {error.hint}")
