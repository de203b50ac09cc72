"""Segments: documents built together, never changed afterwards, and shared by every release that holds them.

<data>/segments/<name>/
  segment.json      written last: identity of what it was built with, its documents and the rows of each
  passages.jsonl    one passage a line; offsets.npy tells where each begins
  ids.npy           hash of each passage's id; from.npy and until.npy the days on which each may be used
  <artefact>/       what each artefact built of these passages
"""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.contracts import Artefact, Corpus, Document, Passage
from assistant.errors import KnowledgeError
from knowledge.atomic import write_whole

SCHEMA = 3  # raise when the layout changes: older segments and releases are then built anew
ALWAYS = 2**31 - 1
KEPT = 4096  # passages of one segment that stay in memory once read

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Stored:
    """One document of a segment: its place in it and what others need to know of it."""

    key: str
    base: str
    document: Document
    start: int  # rows from start to end are its passages
    end: int
    cards: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    phones: tuple[int, ...] = ()  # rows, counted from start


@dataclass(frozen=True)
class Fresh:
    """One document that is to be stored."""

    key: str
    base: str
    document: Document
    passages: tuple[Passage, ...]
    cards: tuple[str, ...] = ()


class Segment:
    """One segment, open for reading; passages are read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises KnowledgeError when the segment is not whole."""
        self.folder, self.name = folder, folder.name
        try:
            facts = json.loads((folder / "segment.json").read_text(encoding="utf-8"))
            if facts["schema"] != SCHEMA:
                raise ValueError(f"schema {facts['schema']}")
            self.identity: str = facts["identity"]
            self.rows: int = facts["rows"]
            self.referrals: str = facts["referrals"]
            self.documents = tuple(_stored(each) for each in facts["documents"])
            self.ids: NDArray[np.uint64] = np.load(folder / "ids.npy")
            self.valid_from: NDArray[np.int32] = np.load(folder / "from.npy")
            self.valid_until: NDArray[np.int32] = np.load(folder / "until.npy")
            self._offsets: NDArray[np.int64] = np.load(folder / "offsets.npy")
            with (folder / "passages.jsonl").open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self._offsets[-1] else b""
            if len(self._text) != self._offsets[-1] or len(self.ids) != self.rows:
                raise ValueError("it is cut off")
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise KnowledgeError(
                f"The segment {folder.name} can't be read: {error}.", "Run `jiamenkou publish --rebuild`."
            ) from error
        # Of one segment, not of the class: what is no longer open lets go of its passages.
        self.passage = lru_cache(KEPT)(self._passage)

    def _passage(self, row: int) -> Passage:
        return Passage.model_validate_json(self.line(row))

    def line(self, row: int) -> bytes:
        """One passage as JSON."""
        return bytes(self._text[int(self._offsets[row]) : int(self._offsets[row + 1])])

    def find(self, passage_id: str, start: int, end: int) -> int | None:
        """The last row from ``start`` to ``end`` that has this id."""
        found = np.flatnonzero(self.ids[start:end] == id_hash(passage_id))
        return start + int(found[-1]) if len(found) else None

    def part(self, name: str) -> Path:
        """Folder of one artefact."""
        return self.folder / name


def id_hash(passage_id: str) -> np.uint64:
    """A passage's id as a number."""
    return np.uint64(int.from_bytes(hashlib.blake2b(passage_id.encode(), digest_size=8).digest(), "little"))


def days(day: date | None, missing: int) -> int:
    """A day as a number that compares; ``missing`` for none."""
    return missing if day is None else day.toordinal()


def build_segment(folder: Path, fresh: Sequence[Fresh], words: Corpus, artefacts: Sequence[Artefact], key: str) -> None:
    """Write ``fresh`` documents, or the referrals of ``words``, as a segment; ``key`` names the referrals."""
    passages = [passage for each in fresh for passage in each.passages]
    folder.mkdir(parents=True)
    stored, start = [], 0
    for each in fresh:
        stored.append(_facts(each, start))
        start += len(each.passages)
    lines = [passage.model_dump_json(exclude_defaults=True).encode() + b"\n" for passage in passages]
    (folder / "passages.jsonl").write_bytes(b"".join(lines))
    _write_rows(
        folder,
        np.cumsum([0, *map(len, lines)], dtype=np.int64),
        np.array([id_hash(p.id) for p in passages], np.uint64),
        np.array([days(p.valid_from, 0) for p in passages], np.int32),
        np.array([days(p.valid_until, ALWAYS) for p in passages], np.int32),
    )
    corpus = words.model_copy(update={"passages": tuple(passages), "documents": tuple(e.document for e in fresh)})
    for artefact in artefacts:
        (folder / artefact.name).mkdir()
        artefact.build(corpus, folder / artefact.name)
    _finish(folder, artefacts, stored, len(passages), key)


def merge_segments(
    folder: Path, parts: Sequence[tuple[Segment, Sequence[Stored]]], artefacts: Sequence[Artefact]
) -> None:
    """Write the given documents of several segments as one; nothing is embedded or read again."""
    folder.mkdir(parents=True)
    rows = [np.concatenate([np.arange(s.start, s.end) for s in kept] or [np.zeros(0, np.int64)]) for _, kept in parts]
    stored, start, lengths = [], 0, []
    with (folder / "passages.jsonl").open("wb") as file:
        for (segment, kept), kept_rows in zip(parts, rows, strict=True):
            for each in kept:
                stored.append(_moved(each, start))
                start += each.end - each.start
            for row in kept_rows:
                lengths.append(file.write(segment.line(int(row))))
    _write_rows(
        folder,
        np.cumsum([0, *lengths], dtype=np.int64),
        np.concatenate([s.ids[r] for (s, _), r in zip(parts, rows, strict=True)]),
        np.concatenate([s.valid_from[r] for (s, _), r in zip(parts, rows, strict=True)]),
        np.concatenate([s.valid_until[r] for (s, _), r in zip(parts, rows, strict=True)]),
    )
    for artefact in artefacts:
        (folder / artefact.name).mkdir()
        artefact.merge(
            [(segment.part(artefact.name), r) for (segment, _), r in zip(parts, rows, strict=True)],
            folder / artefact.name,
        )
    _finish(folder, artefacts, stored, start, "")


def _write_rows(folder: Path, offsets: Any, ids: Any, valid_from: Any, valid_until: Any) -> None:
    for name, array in (("offsets", offsets), ("ids", ids), ("from", valid_from), ("until", valid_until)):
        np.save(folder / f"{name}.npy", array)


def _finish(folder: Path, artefacts: Sequence[Artefact], stored: Sequence[dict[str, Any]], rows: int, key: str) -> None:
    facts = {
        "schema": SCHEMA,
        "identity": identity_of(artefacts),
        "rows": rows,
        "referrals": key,
        "documents": stored,
    }
    # Written last: a folder without it was never finished.
    write_whole(folder / "segment.json", json.dumps(facts, ensure_ascii=False).encode())


def identity_of(artefacts: Sequence[Artefact]) -> str:
    """What segments are built with."""
    # What a passage carries is part of it: after an upgrade the next publishing builds anew.
    carried = ",".join(sorted(Passage.model_fields))
    parts = [str(SCHEMA), carried, *sorted(f"{artefact.name}:{artefact.identity}" for artefact in artefacts)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _facts(fresh: Fresh, start: int) -> dict[str, Any]:
    passages = fresh.passages
    return {
        "key": fresh.key,
        "base": fresh.base,
        "document": fresh.document.model_dump(mode="json", exclude_defaults=True),
        "rows": [start, start + len(passages)],
        "cards": fresh.cards,
        "departments": list(dict.fromkeys(name for p in passages for name in p.departments)),
        "phones": [row for row, p in enumerate(passages) if p.field == "phone"],
    }


def _moved(stored: Stored, start: int) -> dict[str, Any]:
    return {
        "key": stored.key,
        "base": stored.base,
        "document": stored.document.model_dump(mode="json", exclude_defaults=True),
        "rows": [start, start + stored.end - stored.start],
        "cards": stored.cards,
        "departments": stored.departments,
        "phones": stored.phones,
    }


def _stored(facts: dict[str, Any]) -> Stored:
    return Stored(
        key=facts["key"],
        base=facts["base"],
        document=Document.model_validate(facts["document"]),
        start=facts["rows"][0],
        end=facts["rows"][1],
        cards=tuple(facts["cards"]),
        departments=tuple(facts["departments"]),
        phones=tuple(facts["phones"]),
    )


def whole_segments(folder: Path) -> Iterator[Path]:
    """Folders of finished segments, oldest first."""
    for path in sorted(folder.glob("*")):
        if (path / "segment.json").exists():
            yield path


def sweep(folder: Path) -> None:
    """Remove segments that were never finished."""
    for path in folder.glob("*"):
        if not (path / "segment.json").exists():
            shutil.rmtree(path, ignore_errors=True)
