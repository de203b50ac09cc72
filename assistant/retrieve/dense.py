"""Dense index: vectors of texts, spans, phrasings and referrals, in files of each segment, compared exactly.

An exact comparison of 250,000 vectors takes 26 ms on 2 cores and leaves out what may not be used before anything is
ranked; docs/publishing.md compares it with Chroma, which ``vector_index = chroma`` puts in its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.contracts import Corpus, Embedder, Passage
from assistant.errors import RetrieveError
from assistant.retrieve.chroma import Collection, no_collection
from assistant.retrieve.embedder import Vectors
from assistant.retrieve.lexical import indexed
from assistant.retrieve.spans import spans

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]

ROLES = ("text", "span", "english", "phrasing", "referral")
# One vector: its role, the passage's row (or a referral's number), its number among its like, the hash of its text.
ENTRY = np.dtype([("role", "u1"), ("row", "<u4"), ("index", "<u2"), ("key", "<u8", 2)])
BLOCK = 500  # texts that are embedded between two reports


@dataclass(frozen=True)
class Hit:
    """One vector near the question: ``role`` is text, span, english, phrasing or referral."""

    role: str
    row: int  # of the passage in the release, or the position of a referral
    index: int
    cosine: float


@dataclass(frozen=True)
class Entry:
    """One vector to be: ``query`` tells whether it is embedded as a question."""

    role: str
    row: int
    index: int
    text: str

    @property
    def query(self) -> bool:
        """Whether it is embedded as a question."""
        return self.role in ("phrasing", "referral")

    @property
    def key(self) -> tuple[int, int]:
        """128 bits of the text and of how it is embedded."""
        digest = hashlib.blake2b(f"{self.query:d}{self.text}".encode(), digest_size=16).digest()
        return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def entries(corpus: Corpus) -> Iterator[Entry]:
    """Everything that gets a vector."""
    for row, passage in enumerate(corpus.passages):
        if not indexed(passage):
            continue
        yield Entry("text", row, 0, _in_context(passage, passage.text))
        parts = spans(passage.text) if passage.kind != "article" else []
        if len(parts) > 1:
            for index, part in enumerate(parts):
                yield Entry("span", row, index, part)
        if passage.english:
            yield Entry("english", row, 0, passage.english)
        for index, phrasing in enumerate(passage.phrasings):
            yield Entry("phrasing", row, index, phrasing)
    for number, referral in enumerate(corpus.referrals):
        for index, phrasing in enumerate(referral.phrasings):
            yield Entry("referral", number, index, phrasing)


def _in_context(passage: Passage, text: str) -> str:
    """A sentence under its article's heading means more than alone."""
    heading = passage.path[-1] if passage.kind == "sentence" and passage.path else ""
    return f"{heading}。{text}" if heading else text


class DenseArtefact:
    """Embeds and stores; the part of a segment that ``DenseIndex`` opens."""

    name = "dense"

    def __init__(
        self,
        embedder: Embedder,
        known: Path | None = None,
        progress: Callable[[int, int], None] = lambda done, all_: None,
        collection: Callable[[Path], Collection | None] = no_collection,
    ) -> None:
        """Texts that a segment in the folder ``known`` has a vector of are not embedded again."""
        self.identity = f"vectors-3-{embedder.name}"
        self._embedder, self._known = embedder, known
        self._progress, self._collection = progress, collection

    def build(self, corpus: Corpus, folder: Path) -> None:
        """Write one vector for each entry."""
        all_ = list(entries(corpus))
        table = np.zeros(len(all_), ENTRY)
        for at, entry in enumerate(all_):
            table[at] = (ROLES.index(entry.role), entry.row, entry.index, entry.key)
        vectors = np.zeros((len(all_), self._embedder.dimensions), np.float32)
        missing = self._reused(table["key"], vectors)
        # Equal texts are embedded once.
        first = {key: at for at, key in reversed([(at, all_[at].key) for at in missing])}
        unique = sorted(first.values())
        done = len(all_) - len(missing)
        for start in range(0, len(unique), BLOCK):
            block = unique[start : start + BLOCK]
            for query in (True, False):
                rows = [at for at in block if all_[at].query is query]
                encode = self._embedder.encode_query if query else self._embedder.encode_document
                if rows:
                    vectors[rows] = encode([all_[at].text for at in rows])
            self._progress(done + min(start + BLOCK, len(unique)), len(all_))
        for at in missing:
            vectors[at] = vectors[first[all_[at].key]]
        self._write(folder, table, vectors)

    def _reused(self, keys: NDArray[np.uint64], vectors: Vectors) -> list[int]:
        """Fill ``vectors`` from known segments; returns the positions that are still missing."""
        missing = list(range(len(keys)))
        for path in sorted(self._known.glob(f"*/{self.name}"), reverse=True) if self._known and missing else ():
            try:
                part = _Part(path, self._embedder.name)
            except RetrieveError:
                continue  # another embedder's, or being built
            missing = part.fill(keys, missing, vectors)
            if not missing:
                break
        return missing

    def merge(self, parts: Sequence[tuple[Path, Rows]], folder: Path) -> None:
        """Write the chosen rows of several segments as one."""
        tables, chosen, base = [], [], 0
        for path, rows in parts:
            part = _Part(path, self._embedder.name)
            place = np.full(int(max(part.table["row"].max(initial=0), rows.max(initial=0))) + 1, -1, np.int64)
            place[rows] = np.arange(base, base + len(rows))
            moved = place[part.table["row"]]
            table = part.table[moved >= 0].copy()
            table["row"] = moved[moved >= 0]
            tables.append(table)
            chosen.append((part.vectors, np.flatnonzero(moved >= 0)))
            base += len(rows)
        table = np.concatenate(tables)
        out = np.lib.format.open_memmap(
            folder / "vectors.npy", "w+", np.float32, (len(table), self._embedder.dimensions)
        )
        start = 0
        for vectors, positions in chosen:  # by blocks: a large segment is never in memory as a whole
            for at in range(0, len(positions), 20_000):
                block = positions[at : at + 20_000]
                out[start : start + len(block)] = vectors[block]
                start += len(block)
        out.flush()
        self._write(folder, table, out)

    def _write(self, folder: Path, table: NDArray[np.void], vectors: Vectors) -> None:
        (folder / "embedder").write_text(self._embedder.name, encoding="utf-8")
        np.save(folder / "entries.npy", table)
        np.save(folder / "sorted.npy", np.argsort(table["key"][:, 0], kind="stable").astype(np.uint32))
        if not isinstance(vectors, np.memmap):
            np.save(folder / "vectors.npy", vectors)
        passages = bool((table["role"] != ROLES.index("referral")).any())
        collection = self._collection(folder) if passages else None  # referrals are compared, see ``DenseIndex``
        if collection is not None:
            collection.fill(vectors)


class _Part:
    """Vectors of one segment, mapped."""

    def __init__(self, folder: Path, embedder: str = "") -> None:
        built_with = (folder / "embedder").read_text(encoding="utf-8") if (folder / "embedder").exists() else ""
        if embedder and built_with != embedder:
            raise RetrieveError(
                f"The release was built with the embedder {built_with or 'unknown'}, not {embedder}.",
                "Run `jiamenkou publish`.",
            )
        try:
            self.table: NDArray[np.void] = np.load(folder / "entries.npy", mmap_mode="r")
            self.sorted: NDArray[np.uint32] = np.load(folder / "sorted.npy", mmap_mode="r")
            self.vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r").view(np.ndarray)
            if not len(self.table) == len(self.sorted) == len(self.vectors):
                raise ValueError("it is cut off")
        except (OSError, ValueError) as error:
            raise RetrieveError(
                f"The vector index in {folder} can't be read: {error}.", "Run `jiamenkou publish --rebuild`."
            ) from error
        # Read at every question, so they are kept in memory: 11 bytes a vector.
        self.rows = np.ascontiguousarray(self.table["row"]).astype(np.int64)
        self.roles = np.ascontiguousarray(self.table["role"])
        self.indexes = np.ascontiguousarray(self.table["index"])
        # Where each row's own text is.
        own = np.flatnonzero(self.roles == 0)
        self.text_at = np.full(int(self.rows.max(initial=-1)) + 1, -1, np.int64)
        self.text_at[self.rows[own]] = own

    def fill(self, keys: NDArray[np.uint64], missing: list[int], vectors: Vectors) -> list[int]:
        """Copy the vectors of known texts; returns the positions that stay missing."""
        if not len(self.table):
            return missing
        mine = self.table["key"]
        ordered = mine[self.sorted, 0]
        at = np.searchsorted(ordered, keys[missing, 0])
        at = np.minimum(at, len(ordered) - 1)
        found = self.sorted[at]
        same = (mine[found] == keys[missing]).all(axis=1)
        wanted = np.asarray(missing)
        vectors[wanted[same]] = self.vectors[found[same]]
        return [int(each) for each in wanted[~same]]


class DenseIndex:
    """Asks all segments of one release."""

    def __init__(
        self,
        parts: Sequence[Path],
        live: Sequence[Mask],
        referrals: Path | None = None,
        embedder: str = "",
        collection: Callable[[Path], Collection | None] = no_collection,
    ) -> None:
        """``parts`` are the folders of each segment, ``live`` its rows that may ever be found."""
        folders = [*parts, *([referrals] if referrals else [])]
        self._parts = [_Part(folder, embedder) for folder in folders]
        # Referrals are a thousand vectors at most, and all of them are wanted: comparing them takes less than asking.
        self._collections = [
            None if folder == referrals else _filled(collection(folder), part)
            for folder, part in zip(folders, self._parts, strict=True)
        ]
        self._bases = np.cumsum([0, *(len(mask) for mask in live)])
        # Referrals come last; all of them are always near enough to be looked at.
        masks = [mask[part.rows] if len(part.rows) else mask[:0] for part, mask in zip(self._parts, live, strict=False)]
        if referrals:
            masks.append(np.ones(len(self._parts[-1].rows), np.bool_))
        self._live = masks
        self._referrals = referrals is not None
        self.size = sum(int(mask.sum()) for mask in masks)

    def allowed(self, rows: Mask) -> list[Mask]:
        """For each segment, the vectors that may be looked at when ``rows`` of the release may be used."""
        out = []
        for number, (part, live) in enumerate(zip(self._parts, self._live, strict=True)):
            referral = self._referrals and number == len(self._parts) - 1
            out.append(live if referral else live & rows[self._bases[number] + part.rows])
        return out

    def near(self, vector: Vectors, count: int, allowed: Sequence[Mask], ties: NDArray[np.uint64]) -> list[Hit]:
        """The ``count`` nearest of the ``allowed`` vectors, nearest first; among equals ``ties`` of rows decide."""
        found: list[Hit] = []
        for number, (part, mask) in enumerate(zip(self._parts, allowed, strict=True)):
            if not len(mask):
                continue
            collection = self._collections[number]
            positions, cosines = (
                _exact(part.vectors, vector, count, mask)
                if collection is None
                else collection.near(vector, count, mask)
            )
            referral = self._referrals and number == len(self._parts) - 1
            rows = part.rows[positions] + (0 if referral else self._bases[number])
            columns = (part.roles[positions], rows, part.indexes[positions], cosines)
            found += [
                Hit(ROLES[role], row, index, cosine)
                for role, row, index, cosine in zip(*(column.tolist() for column in columns), strict=True)
            ]
        # Cosines are compared to six places: the last bits depend on how vectors lie in memory.
        found.sort(
            key=lambda hit: (
                -round(hit.cosine, 6),
                hit.role,
                hit.row if hit.role == "referral" else int(ties[hit.row]),
                hit.index,
            )
        )
        return found[:count]

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> dict[int, float]:
        """Cosines of passages' own texts by row; rows without a vector are left out."""
        out: dict[int, float] = {}
        wanted = np.asarray(rows, np.int64)
        numbers = np.searchsorted(self._bases, wanted, side="right") - 1
        for number in np.unique(numbers):
            part, mine = self._parts[number], wanted[numbers == number] - self._bases[number]
            mine = mine[mine < len(part.text_at)]
            at = part.text_at[mine]
            found = _products(part.vectors[at[at >= 0]], vector)
            out |= dict(zip((mine[at >= 0] + self._bases[number]).tolist(), found.tolist(), strict=True))
        return out


def _filled(collection: Collection | None, part: _Part) -> Collection | None:
    """``collection`` with every vector of ``part``: a segment may have been built without one."""
    if collection is not None and collection.size != len(part.vectors):
        collection.fill(part.vectors)
    return collection


def _products(vectors: Vectors, vector: Vectors) -> Vectors:
    """Cosines with every vector. The library's own product starts threads, which on a busy machine took ten times as long."""
    return np.asarray(np.einsum("ij,j->i", vectors, vector), np.float32)


def _exact(vectors: Vectors, vector: Vectors, count: int, mask: Mask) -> tuple[Rows, Vectors]:
    """Positions and cosines of the nearest allowed vectors and of all that are as near as the last."""
    cosines = _products(vectors, vector)
    cosines[~mask] = -2.0
    if len(cosines) > count:
        least = float(np.partition(cosines, len(cosines) - count)[len(cosines) - count])
        positions = np.flatnonzero(cosines >= least - 1e-6)[: 4 * count]
    else:
        positions = np.arange(len(cosines))
    positions = positions[cosines[positions] > -2.0]
    return positions, cosines[positions]
