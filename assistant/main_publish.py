"""Publishing, joined: content, releases, the parts that are built, and trying out before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from assistant.contracts import Embedder
from assistant.main import artefacts, make_embedder
from assistant.settings import Settings
from knowledge.content import Content
from knowledge.load import Known, Reading, folder_tree, read_tree
from knowledge.mentions import Mentions
from knowledge.merging import Prefer, taken_in
from knowledge.release import About, Release, current, forget_current, publish, tidy

Say = Callable[[str], None]
Progress = Callable[[int, int], None]


def _silent(text: str) -> None:
    pass


def _no_bar(done: int, of: int) -> None:
    pass


class Publisher:
    """Makes releases of one data folder."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder | None = None,
        say: Say = _silent,
        progress: Progress = _no_bar,
        rebuild: bool = False,
    ) -> None:
        self.settings, self.say = settings, say
        self.data = settings.data_folder
        self.content = Content(self.data)
        self.embedder = embedder or make_embedder(settings, threads=2)
        self.artefacts = artefacts(settings, self.embedder, progress, reuse=not rebuild)

    def publish_folder(self, by: str = "", note: str = "", prefer: Prefer = "") -> tuple[Release, bool]:
        """Take in what changed in the corpus folder, and publish.

        Raises KnowledgeError naming every problem, ConflictError for a file that staff changed, too, BusyError.
        """

        def read(now: About, known: Mapping[str, Known]) -> tuple[Reading, About]:
            tree = folder_tree(self.settings.corpus_folder)
            staff, seen = self.content.files(now.snapshot), self.content.files(now.corpus)
            mentions = Mentions(self.data)
            if staff == seen:  # nobody changed anything but in the folder
                reading = read_tree(tree, known, mentions)
                reading.raise_problems()
                snapshot = folder = self.content.take(tree, staff.values())
            else:
                folder = self.content.take(tree, (*staff.values(), *seen.values()))
                snapshot = self.content.snapshot(taken_in(seen, tree.files, staff, prefer))
                reading = read_tree(self.content.tree(snapshot), known, mentions)
                reading.raise_problems()
            mentions.save()
            return reading, About(by, note, snapshot, folder)

        return self._publish(read)

    def publish_snapshot(self, snapshot: str, about: About, swap: bool = True) -> tuple[Release, bool]:
        """Publish a state of the content; without ``swap`` only to try it out."""

        def read(now: About, known: Mapping[str, Known]) -> tuple[Reading, About]:
            mentions = Mentions(self.data)
            reading = read_tree(self.content.tree(snapshot), known, mentions)
            reading.raise_problems()
            mentions.save()
            return reading, replace(about, snapshot=snapshot, corpus=about.corpus or now.corpus)

        return self._publish(read, swap)

    def _publish(
        self, read: Callable[[About, Mapping[str, Known]], tuple[Reading, About]], swap: bool = True
    ) -> tuple[Release, bool]:
        return publish(read, self.artefacts, self.data, self.say, self.settings.releases_kept, swap)

    def tidy(self, every: bool = False) -> int:
        """Merge small segments after publishing; answers don't change, and readers don't notice."""
        return tidy(self.data, self.artefacts, self.settings.releases_kept, every)


def publish_corpus(
    settings: Settings,
    say: Say = _silent,
    progress: Progress = _no_bar,
    rebuild: bool = False,
    prefer: Prefer = "",
    by: str = "",
    note: str = "",
) -> tuple[Release, bool]:
    """Publish the corpus folder as an operator does: check it, build what changed, swap it in, tidy up behind."""
    if rebuild:
        forget_current(settings.data_folder)
    publisher = Publisher(settings, None, say, progress, rebuild)
    release, new = publisher.publish_folder(by, note, prefer)
    if new:
        publisher.tidy()
    return current(settings.data_folder) or release, new


def operator() -> str:
    """Who runs the command line, as the system knows them."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


