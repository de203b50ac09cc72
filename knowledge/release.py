"""Releases: built beside the old one by the only writer, and swapped in one step.

<data>/writer.lock                held while anything is written
<data>/current                    names the release that answers; replaced in one step
<data>/segments/<name>/           documents built together; releases share them
<data>/releases/<name>/           words.json (synonyms, referrals, names of departments), documents.json (which
                                  documents of which segments, in order), release.json (who, when, what) written last
<data>/candidates/<name>/         the same for what is only tried out
<data>/history.jsonl              one line a swap: when, who, what
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from assistant.contracts import Artefact, Corpus, Document, Passage
from assistant.errors import BusyError, KnowledgeError
from knowledge.atomic import write_whole
from knowledge.load import Known, Loaded, Reading
from knowledge.segments import (
    SCHEMA,
    Fresh,
    Segment,
    build_segment,
    identity_of,
    merge_segments,
    sweep,
    whole_segments,
)
from knowledge.shelf import Shelf

KEEP = 20  # releases kept for rolling back
CANDIDATES = 5  # trials kept
SMALL = 2000  # rows up to which a segment is always merged with others of its size
SEGMENTS = 6  # small segments of one release from which they are merged
REBUILD = "rebuild"


@dataclass(frozen=True)
class About:
    """Where a release came from; kept with it."""

    by: str = ""
    note: str = ""
    snapshot: str = ""  # the content it was built of
    corpus: str = ""  # the state of the corpus folder that went into it
    changes: tuple[str, ...] = ()  # change sets that it brought


@dataclass(frozen=True)
class Release:
    """One complete release on disk."""

    name: str
    folder: Path
    digest: str
    created: str = ""  # UTC, ISO 8601
    passages: int = 0
    documents: int = 0
    about: About = field(default_factory=About)

    def shelf(self) -> Shelf:
        """Its knowledge; raises KnowledgeError when a part of it is gone."""
        try:
            words = Corpus.model_validate_json((self.folder / "words.json").read_bytes())
            facts = json.loads((self.folder / "documents.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise KnowledgeError(f"The release {self.name} can't be read: {error}.", "Publish again.") from error
        root = self.folder.parent.parent / "segments"
        segments = [open_segment(root / name) for name in facts["segments"]]
        order = [(at, segments[at].documents[number]) for at, number in facts["order"]]
        return Shelf(segments, order, words)

    def referrals(self) -> Segment | None:
        """The segment that holds the referrals, if there are any."""
        name = json.loads((self.folder / "documents.json").read_text(encoding="utf-8"))["referrals"]
        return open_segment(self.folder.parent.parent / "segments" / name) if name else None

    def corpus(self) -> Corpus:
        """All its knowledge as one value; for small releases."""
        return self.shelf().corpus()


_open_segments: WeakValueDictionary[Path, Segment] = WeakValueDictionary()
_opening = threading.Lock()


def open_segment(folder: Path) -> Segment:
    """A segment, opened once in a process: a new release uses what the old one has open."""
    with _opening:
        segment = _open_segments.get(folder)
        if segment is None:
            segment = _open_segments[folder] = Segment(folder)
        return segment


@contextmanager
def writing(data_folder: Path) -> Iterator[None]:
    """Hold the writer's lock; raises BusyError when another process has it."""
    data_folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data_folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _read(data_folder / "writer.pid") or "?"
        raise BusyError(
            f"Another process (pid {holder}) is writing {data_folder}.",
            "Wait until it is done, or set JIAMENKOU_DATA_FOLDER to another folder. Nothing was changed.",
        ) from None
    try:
        (data_folder / "writer.pid").write_text(str(os.getpid()))
        yield
    finally:
        (data_folder / "writer.pid").unlink(missing_ok=True)
        lock.release()


# What is to be published: all of it, or a function that reads it under the writer's lock. The function gets what the
# current release came from, and the documents that are built already, by base.
Source = Corpus | Callable[[About, Mapping[str, Known]], tuple[Reading, About]]


def publish(
    source: Source,
    artefacts: Sequence[Artefact],
    data_folder: Path,
    progress: Callable[[str], None] = lambda _: None,
    keep: int = KEEP,
    swap: bool = True,
) -> tuple[Release, bool]:
    """Build a release of ``source`` and make it the current one; without ``swap`` it is a candidate only.

    Only documents that no segment holds are built. Returns the release and whether it is new (False: nothing had
    changed). On any failure, a full disk included, the old release goes on answering and nothing half-built is left.
    """
    with writing(data_folder):
        _sweep(data_folder)
        old = current(data_folder)
        segments = _usable(data_folder, artefacts, old)
        known = _known(segments)
        reading, about = _reading(source) if isinstance(source, Corpus) else source(head(data_folder), known)
        reading.raise_problems()
        digest = _digest(reading.words.digest, artefacts)
        if swap and old and old.digest == digest:
            if about.corpus and about.corpus != old.about.corpus:
                old = _keep_about(old, about)
            return old, False
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{digest[:8]}"
        folder = data_folder / ("releases" if swap else "candidates") / name
        built: list[Path] = []
        try:
            places, referrals = _build(reading, segments, artefacts, data_folder, built, progress)
            _write(folder, reading, places, referrals, digest, about)
            if swap:
                write_whole(data_folder / "current", name.encode())
        except OSError as error:
            _discard(data_folder, folder, built)
            raise KnowledgeError(
                f"The release could not be written: {error.strerror or error}.",
                f"Free some room in {data_folder} and publish again. The old release goes on answering.",
            ) from error
        except BaseException:
            _discard(data_folder, folder, built)
            raise
        if swap:
            _note(data_folder, "published", name, about.by, about.note)
        _forget_old(data_folder, keep)
        release = _open(folder)
        assert release is not None  # noqa: S101
        return release, True


def _reading(corpus: Corpus) -> tuple[Reading, About]:
    """A corpus that was read elsewhere, with keys made of its passages."""
    passages: dict[str, list[Passage]] = {}
    for passage in corpus.passages:
        passages.setdefault(passage.doc, []).append(passage)
    documents = {document.id: document for document in corpus.documents}
    loaded = []
    for doc in dict.fromkeys((*documents, *passages)):
        document = documents.get(doc) or Document(id=doc, title="")
        found = tuple(passages.get(doc, ()))
        text = document.model_dump_json() + "\n".join(p.model_dump_json() for p in found)
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        loaded.append(Loaded(key, key, doc, document, found))
    words = corpus.model_copy(update={"documents": (), "passages": ()})
    return Reading(tuple(loaded), words, ()), About()


def _usable(data_folder: Path, artefacts: Sequence[Artefact], old: Release | None) -> list[Segment]:
    """Segments that were built with the same parts, those of the current release last, so that they win."""
    if old is not None and old.digest == REBUILD:
        return []
    identity, found = identity_of(artefacts), []
    for path in whole_segments(data_folder / "segments"):
        try:
            segment = open_segment(path)
        except KnowledgeError:
            continue  # of another schema, or broken: it is built anew
        if segment.identity == identity:
            found.append(segment)
    try:
        used = {segment.name for segment in old.shelf().segments} if old else set()
    except KnowledgeError:
        used = set()
    return sorted(found, key=lambda segment: segment.name in used)


def _known(segments: Iterable[Segment]) -> dict[str, Known]:
    return {s.base: Known(s.key, s.base, s.document, s.cards) for seg in segments for s in seg.documents}


def known_documents(data_folder: Path, artefacts: Sequence[Artefact]) -> dict[str, Known]:
    """Documents that are built already, by base."""
    return _known(_usable(data_folder, artefacts, current(data_folder)))


Places = list[tuple[Segment, int]]


def _build(
    reading: Reading,
    segments: Sequence[Segment],
    artefacts: Sequence[Artefact],
    data_folder: Path,
    built: list[Path],
    progress: Callable[[str], None],
) -> tuple[Places, Segment | None]:
    """Build what no segment holds; where each document is, in order, and the segment of the referrals."""
    root = data_folder / "segments"
    where = {stored.key: (seg, number) for seg in segments for number, stored in enumerate(seg.documents)}
    missing = [
        Fresh(each.key, each.base, each.document, each.passages or (), each.cards)
        for each in reading.documents
        if each.key not in where
    ]
    bare = reading.words.model_copy(update={"referrals": ()})
    if missing:
        segment = _new(root, built, lambda folder: build_segment(folder, missing, bare, artefacts, ""), progress)
        where |= {stored.key: (segment, number) for number, stored in enumerate(segment.documents)}
    referrals = None
    if reading.words.referrals:
        text = json.dumps([each.model_dump() for each in reading.words.referrals], ensure_ascii=False)
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        referrals = next((segment for segment in segments if segment.referrals == key), None)
        if referrals is None:
            words = reading.words
            referrals = _new(root, built, lambda folder: build_segment(folder, (), words, artefacts, key), progress)
    return [where[each.key] for each in reading.documents], referrals


def _new(
    root: Path, built: list[Path], build: Callable[[Path], None], progress: Callable[[str], None] = lambda _: None
) -> Segment:
    folder = root / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"
    built.append(folder)
    started = time.monotonic()
    build(folder)
    segment = open_segment(folder)
    progress(f"{len(segment.documents)} documents, {segment.rows} passages: {time.monotonic() - started:.1f} s")
    return segment


def _write(
    folder: Path, reading: Reading, places: Places, referrals: Segment | None, digest: str, about: About
) -> None:
    folder.mkdir(parents=True)
    words = reading.words.model_dump_json(exclude_defaults=True)
    (folder / "words.json").write_text(words, encoding="utf-8")
    rows = sum(seg.documents[number].end - seg.documents[number].start for seg, number in places)
    _write_places(folder, places, referrals.name if referrals else "")
    facts = {
        "schema": SCHEMA,
        "digest": digest,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "passages": rows,
        "documents": len(places),
        "about": asdict(about),
    }
    # Written last: a folder without it was never finished.
    write_whole(folder / "release.json", json.dumps(facts, ensure_ascii=False).encode())


def _write_places(folder: Path, places: Places, referrals: str) -> None:
    names = list(dict.fromkeys(segment.name for segment, _ in places))
    at = {name: position for position, name in enumerate(names)}
    facts = {"segments": names, "order": [[at[seg.name], number] for seg, number in places], "referrals": referrals}
    write_whole(folder / "documents.json", json.dumps(facts).encode())


def tidy(data_folder: Path, artefacts: Sequence[Artefact], keep: int = KEEP, every: bool = False) -> int:
    """Merge segments of the current release that are small or mostly of the past; returns how many.

    What is known and how it is answered stays the same. ``every`` merges all of them. Readers that have the release
    open go on with what they have.
    """
    with writing(data_folder):
        release = current(data_folder)
        if release is None:
            return 0
        shelf = release.shelf()
        live = {segment.name: 0 for segment in shelf.segments}
        for at, stored in shelf.stored():
            live[shelf.segments[at].name] += stored.end - stored.start
        limit = max(SMALL, sum(live.values()) // 10)
        small = {s.name for s in shelf.segments if live[s.name] <= limit}
        chosen = {s.name for s in shelf.segments} if every else small if len(small) > SEGMENTS else set()
        chosen |= {s.name for s in shelf.segments if s.rows > SMALL and live[s.name] < s.rows // 2}
        identity = identity_of(artefacts)
        chosen = {s.name for s in shelf.segments if s.name in chosen and s.identity == identity}
        if not chosen or (len(chosen) == 1 and every):
            return 0
        parts = [(s, [st for at, st in shelf.stored() if shelf.segments[at] is s]) for s in shelf.segments]
        built: list[Path] = []
        try:
            merged = _new(
                data_folder / "segments",
                built,
                lambda folder: merge_segments(folder, [part for part in parts if part[0].name in chosen], artefacts),
            )
            where = {stored.key: number for number, stored in enumerate(merged.documents)}
            numbers = {id(stored): number for s in shelf.segments for number, stored in enumerate(s.documents)}
            places: Places = [
                (merged, where[stored.key])
                if shelf.segments[at].name in chosen
                else (shelf.segments[at], numbers[id(stored)])
                for at, stored in shelf.stored()
            ]
            referrals = release.referrals()
            _write_places(release.folder, places, referrals.name if referrals else "")
        except BaseException:
            for folder in built:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        _forget_old(data_folder, keep)
        return len(chosen)


def current(data_folder: Path) -> Release | None:
    """The release that answers now, or None before the first publishing."""
    name = _read(data_folder / "current")
    return _open(data_folder / "releases" / name) if name else None


def head(data_folder: Path) -> About:
    """Where the current release came from, even when an older version of this program built it."""
    name = _read(data_folder / "current")
    try:
        return _about(json.loads((data_folder / "releases" / name / "release.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return About()


def releases(data_folder: Path) -> list[Release]:
    """All complete releases, newest first."""
    folders = sorted((data_folder / "releases").glob("*"), reverse=True)
    return [release for release in map(_open, folders) if release]


def all_releases(data_folder: Path) -> list[Release]:
    """Releases and candidates."""
    candidates = (_open(folder) for folder in (data_folder / "candidates").glob("*"))
    return [*releases(data_folder), *(candidate for candidate in candidates if candidate)]


def find_release(data_folder: Path, name: str) -> Release:
    """A kept release by name; raises KnowledgeError naming those that there are."""
    release = _open(data_folder / "releases" / name) if name and "/" not in name else None
    if release is None:
        known = ", ".join(each.name for each in releases(data_folder)) or "none"
        raise KnowledgeError(f"There is no release {name}.", f"Kept releases: {known}.")
    return release


def roll_back(data_folder: Path, name: str, by: str = "") -> Release:
    """Make an earlier release the current one."""
    with writing(data_folder):
        release = find_release(data_folder, name)
        release.shelf()  # raises when a part of it is gone
        write_whole(data_folder / "current", name.encode())
        _note(data_folder, "rolled back", name, by, "")
        return release


def forget_current(data_folder: Path) -> None:
    """Make the next publishing build everything anew, whether or not anything has changed."""
    with writing(data_folder):
        release = current(data_folder)
        if release is not None:
            facts = json.loads((release.folder / "release.json").read_text(encoding="utf-8"))
            text = json.dumps(facts | {"digest": REBUILD}, ensure_ascii=False)
            write_whole(release.folder / "release.json", text.encode())


def history(data_folder: Path) -> list[dict[str, str]]:
    """Every swap, oldest first: when, what, release, by, note."""
    found = []
    for line in _read(data_folder / "history.jsonl").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a line that a full disk cut
    return found


def _note(data_folder: Path, what: str, release: str, by: str, note: str) -> None:
    line = {"when": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "what": what, "release": release, "by": by, "note": note}
    try:
        with (data_folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError:
        pass  # the swap is done; a line of history is not worth taking it back


def _open(folder: Path) -> Release | None:
    try:
        facts = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        if facts["schema"] != SCHEMA:
            return None
        return Release(
            folder.name,
            folder,
            facts["digest"],
            facts["created"],
            facts["passages"],
            facts["documents"],
            _about(facts),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _about(facts: dict[str, Any]) -> About:
    return About(**{**facts["about"], "changes": tuple(facts["about"]["changes"])})


def _keep_about(release: Release, about: About) -> Release:
    facts: dict[str, Any] = json.loads((release.folder / "release.json").read_text(encoding="utf-8"))
    facts["about"] |= {"corpus": about.corpus, "snapshot": about.snapshot}
    write_whole(release.folder / "release.json", json.dumps(facts, ensure_ascii=False).encode())
    return _open(release.folder) or release


def _digest(content: str, artefacts: Sequence[Artefact]) -> str:
    """Identity of a release: its knowledge and what it was built with."""
    return hashlib.sha256(f"{content}\n{identity_of(artefacts)}".encode()).hexdigest()


def _sweep(data_folder: Path) -> None:
    """Remove what a killed publishing left: folders that were never finished."""
    for kind in ("releases", "candidates"):
        for folder in (data_folder / kind).glob("*"):
            if not (folder / "release.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
    sweep(data_folder / "segments")


def _discard(data_folder: Path, folder: Path, built: Iterable[Path]) -> None:
    """Remove a failed release; one that was swapped in before an interruption stays."""
    if _read(data_folder / "current") != folder.name:
        for path in (folder, *built):
            shutil.rmtree(path, ignore_errors=True)


def _forget_old(data_folder: Path, keep: int) -> None:
    """Remove releases beyond ``keep``, old candidates, and segments that nobody names any more."""
    kept = current(data_folder)
    for release in releases(data_folder)[keep:]:
        if kept is None or release.name != kept.name:
            shutil.rmtree(release.folder, ignore_errors=True)
    for folder in sorted((data_folder / "candidates").glob("*"), reverse=True)[CANDIDATES:]:
        shutil.rmtree(folder, ignore_errors=True)
    named: set[str] = set()
    for path in (*(data_folder / "releases").glob("*"), *(data_folder / "candidates").glob("*")):
        try:
            facts = json.loads((path / "documents.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        named |= {*facts["segments"], facts["referrals"]}
    for path in (data_folder / "segments").glob("*"):
        if path.name not in named:
            shutil.rmtree(path, ignore_errors=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
