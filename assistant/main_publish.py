"""Publishing, joined: content, releases, the parts that are built, and trying out before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from assistant.contracts import Answer, Embedder
from assistant.errors import BusyError, JiamenkouError, KnowledgeError
from assistant.main import artefacts, make_embedder, open_release
from assistant.settings import Settings
from assistant.turn import Assistant
from knowledge.answers import AnswerChange, Ask, compare
from knowledge.applying import applied, text_of
from knowledge.backup import restore
from knowledge.changes import Changes, ChangeSet
from knowledge.content import Content, Overlay, StoredTree
from knowledge.difference import Difference, difference
from knowledge.files import Files, Problem
from knowledge.load import Known, Reading, folder_tree, read_tree
from knowledge.mentions import Mentions
from knowledge.merging import Prefer, taken_in
from knowledge.release import (
    About,
    Release,
    all_releases,
    current,
    find_release,
    forget_current,
    head,
    known_documents,
    publish,
    releases,
    roll_back,
    tidy,
    writing,
)

FIRST = "first answers; more of the residents' questions follow"  # note of a release that is made to answer soon
FIRST_PHRASINGS = 5  # of each passage in it: most of the time of publishing goes into their vectors
SCHEDULE = "schedule"  # who publishes what was scheduled, when it can't be
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
        self.changes = Changes(self.data, self.text, settings.four_eyes)

    def publish_folder(self, by: str = "", note: str = "", prefer: Prefer = "") -> tuple[Release, bool]:
        """Take in what changed in the corpus folder, and publish.

        Raises KnowledgeError naming every problem, ConflictError for a file that staff changed, too, BusyError.
        """
        return self._publish(self._reads_folder(About(by, note), prefer))

    def publish_first(self, by: str = "") -> Release:
        """Publish the corpus folder with only some of the questions that lead to each passage, to answer soon."""
        whole = self._reads_folder(About(by, FIRST))

        def read(now: About, known: Mapping[str, Known]) -> tuple[Reading, About]:
            reading, about = whole(now, {})
            return fewer_phrasings(reading), about

        return self._publish(read)[0]

    def complete(self) -> bool:
        """Publish what ``publish_first`` left out, if it is what answers now."""
        if head(self.data).note != FIRST:
            return False
        self.publish_folder()
        self.tidy()
        return True

    def _reads_folder(
        self, about: About, prefer: Prefer = ""
    ) -> Callable[[About, Mapping[str, Known]], tuple[Reading, About]]:
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
            return reading, replace(about, snapshot=snapshot, corpus=folder)

        return read

    def publish_snapshot(self, snapshot: str, about: About) -> tuple[Release, bool]:
        """Publish a state of the content."""

        def read(now: About, known: Mapping[str, Known]) -> tuple[Reading, About]:
            mentions = Mentions(self.data)
            reading = read_tree(self.content.tree(snapshot), known, mentions)
            reading.raise_problems()
            mentions.save()
            return reading, replace(about, snapshot=snapshot, corpus=about.corpus or now.corpus)

        return self._publish(read)

    def _publish(
        self, read: Callable[[About, Mapping[str, Known]], tuple[Reading, About]], swap: bool = True
    ) -> tuple[Release, bool]:
        return publish(read, self.artefacts, self.data, self.say, self.settings.releases_kept, swap)

    # --- change sets

    def text(self, path: str, card: str = "") -> str | None:
        """What a file or card says in what is published now; None when it isn't there."""
        return text_of(self.content, self.content.files(head(self.data).snapshot), path, card)

    def files(self) -> list[str]:
        """Names of all files of what is published now."""
        return sorted(self.content.files(head(self.data).snapshot))

    def problems(self, id_: int) -> tuple[Problem, ...]:
        """What would keep a change set from being published, by file and line."""
        content = Overlay(self.data)
        files = applied(content, content.files(head(self.data).snapshot), self.changes.get(id_))
        known = known_documents(self.data, self.artefacts)
        return read_tree(StoredTree(content, files), known, Mentions(self.data)).problems

    def _reads(self, change: ChangeSet, about: About) -> Callable[[About, Mapping[str, Known]], tuple[Reading, About]]:
        def read(now: About, known: Mapping[str, Known]) -> tuple[Reading, About]:
            if not now.snapshot:
                raise KnowledgeError("Nothing has been published yet.", "Run `jiamenkou publish`.")
            files = applied(self.content, self.content.files(now.snapshot), change)
            mentions = Mentions(self.data)
            reading = read_tree(StoredTree(self.content, files), known, mentions)
            reading.raise_problems()
            mentions.save()
            return reading, replace(about, snapshot=self.content.snapshot(files), corpus=now.corpus)

        return read

    def try_out(self, id_: int) -> Trial:
        """Build what a change set would make, in any state of it, and tell what is different; nobody is answered by it."""
        change = self.changes.get(id_)
        release, _ = self._publish(self._reads(change, About(note=change.title, changes=(str(id_),))), swap=False)
        return self.trial(release)

    def try_folder(self) -> Trial:
        """The same of what `publish_folder` would make."""
        release, _ = self._publish(self._reads_folder(About()), swap=False)
        return self.trial(release)

    def trial(self, new: Release, old: Release | None = None) -> Trial:
        """``new`` beside ``old``, or beside what answers now."""
        old = old or current(self.data)
        return Trial(new, old, difference(old.shelf() if old else None, new.shelf()))

    def publish_change(self, id_: int, who: str, note: str = "") -> Release:
        """Publish an approved change set.

        Raises ConflictError when what it changes was published otherwise meanwhile, KnowledgeError naming every problem.
        """
        change = self.changes.get(id_)
        if change.state == "published":
            return find_release(self.data, change.release)
        if change.state not in ("approved", "scheduled"):
            raise KnowledgeError(f"“{change.title}” is not approved.", "Have it reviewed first.")
        about = About(who, note or change.title, changes=(str(id_),))
        release, _ = self._publish(self._reads(change, about))
        self.changes.published(id_, who, release.name)
        return release

    def publish_due(self, now: datetime | None = None) -> list[Release]:
        """Publish scheduled change sets whose time has come; one that can't be goes back to its authors with the reason."""
        found = []
        for change in self.changes.due(now):
            try:
                found.append(self.publish_change(change.id, change.changed_by))
            except BusyError:
                break  # another process is publishing: the next look is soon
            except KnowledgeError as error:
                self.changes.give_back(change.id, SCHEDULE, f"{error.message} {error.hint}")
        return found

    def mend(self) -> None:
        """Note as published what a release brought though its process ended before it could say so."""
        brought = {id_: release for release in releases(self.data) for id_ in release.about.changes}
        for change in self.changes.all("approved", "scheduled"):
            if str(change.id) in brought:
                self.changes.published(change.id, SCHEDULE, brought[str(change.id)].name)

    def roll_back(self, name: str, who: str = "") -> Release:
        """Make an earlier release answer again; one whose index is gone is built again from its content."""
        try:
            return roll_back(self.data, name, who)
        except KnowledgeError:
            release = find_release(self.data, name)
            if not release.about.snapshot:
                raise
            return self.publish_snapshot(release.about.snapshot, replace(release.about, by=who))[0]

    def import_folder(self, folder: Path, who: str, title: str = "") -> ChangeSet | None:
        """A draft that makes the content like a corpus folder; None when it is like it already."""
        tree = folder_tree(folder)
        now = self.content.files(head(self.data).snapshot)
        changed = [name for name, digest in tree.files.items() if now.get(name) != digest]
        gone = [name for name in now if name not in tree.files]
        if not changed and not gone:
            return None
        files = Files(tree)
        texts = {name: files.text(name) for name in changed}
        if files.problems:
            listed = "; ".join(map(str, files.problems))
            raise KnowledgeError(f"The folder can't be taken in: {listed}", "Mend the files. Nothing was changed.")
        change = self.changes.create(who, title or f"Import of {folder.name}")
        for name in (*changed, *gone):
            self.changes.put(change.id, who, name, texts.get(name), self.text(name))
        return self.changes.get(change.id)

    def restore(self, file: Path) -> Release:
        """Take in a backup; where its index doesn't fit this machine, or was left out, it is built again."""
        restore(self.data, file)
        release = current(self.data)
        try:
            if release is not None:
                open_release(release, self.settings, self.embedder, self.settings.today())
                return release
        except (JiamenkouError, OSError):
            pass
        about = head(self.data)
        forget_current(self.data)
        return self.publish_snapshot(about.snapshot, about)[0]

    # --- trying out

    def ask_of(self, release: Release) -> Ask:
        """The whole turn on any release or candidate; each question is a conversation of its own."""
        knowledge = open_release(release, self.settings, self.embedder, self.settings.today())
        assistant = Assistant(lambda: knowledge, engine="extractive", today=self.settings.today)

        async def ask(text: str) -> Answer:
            session = assistant.session(f"trial-{uuid4()}")
            try:
                return await assistant.answer(text, session)
            finally:
                assistant.erase(session.id)

        return ask

    async def answers(self, trial: Trial, progress: Progress = _no_bar) -> list[AnswerChange]:
        """The saved questions of the new release, answered by both."""
        questions = trial.new.shelf().words.questions
        old = self.ask_of(trial.old) if trial.old else None
        return await compare(questions, self.ask_of(trial.new), old, progress)

    # --- afterwards

    def tidy(self, every: bool = False) -> int:
        """Merge small segments and forget what no kept release holds; answers don't change, and readers don't notice."""
        merged = tidy(self.data, self.artefacts, self.settings.releases_kept, every)
        with writing(self.data):
            kept = [head(self.data), *(release.about for release in all_releases(self.data))]
            self.content.prune({name for about in kept for name in (about.snapshot, about.corpus) if name})
        return merged


@dataclass(frozen=True)
class Trial:
    """A release beside what answers now."""

    new: Release
    old: Release | None
    difference: Difference


def fewer_phrasings(reading: Reading) -> Reading:
    """The same documents, each passage and referral with its first few phrasings only."""
    documents = tuple(
        replace(
            each,
            key=f"{each.key}-first",
            base=f"{each.base}-first",
            passages=tuple(
                passage.model_copy(update={"phrasings": passage.phrasings[:FIRST_PHRASINGS]})
                for passage in each.passages or ()
            ),
        )
        for each in reading.documents
    )
    referrals = tuple(
        each.model_copy(update={"phrasings": each.phrasings[:FIRST_PHRASINGS]}) for each in reading.words.referrals
    )
    words = reading.words.model_copy(update={"referrals": referrals, "digest": f"{reading.words.digest}-first"})
    return replace(reading, documents=documents, words=words)


def publish_corpus(
    settings: Settings,
    say: Say = _silent,
    progress: Progress = _no_bar,
    rebuild: bool = False,
    prefer: Prefer = "",
    by: str = "",
    note: str = "",
    soon: bool = False,
) -> tuple[Release, bool]:
    """Publish the corpus folder as an operator does: check it, build what changed, swap it in, tidy up behind.

    Where nothing answers yet, something does after the first part of it; ``soon`` ends there.
    """
    if rebuild:
        forget_current(settings.data_folder)
    publisher = Publisher(settings, None, say, progress, rebuild)
    if current(settings.data_folder) is None:
        release = publisher.publish_first(by)
        if soon:
            return release, True
        say("Answers are given already; the rest of the residents' questions follow.")
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
