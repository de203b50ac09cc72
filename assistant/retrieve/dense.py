"""Dense index: one Chroma collection a release holds texts, spans, phrasings and referrals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.contracts import Corpus, Embedder, Passage
from assistant.errors import RetrieveError
from assistant.retrieve.embedder import CachedVectors, Vectors
from assistant.retrieve.lexical import indexed
from assistant.retrieve.spans import spans

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

COLLECTION = "release"
# Defaults give a recall@10 of only 0.79 to 0.97 at 100,000 vectors; these give 0.99.
GRAPH = {"hnsw": {"space": "cosine", "ef_search": 400, "ef_construction": 200, "max_neighbors": 32}}


@dataclass(frozen=True)
class Hit:
    """One vector near the question: ``role`` is text, span, english, phrasing or referral."""

    role: str
    key: str  # passage id, or the position of a referral
    index: int
    cosine: float


@dataclass(frozen=True)
class Entry:
    """One vector to be: ``query`` tells whether it is embedded as a question."""

    role: str
    key: str
    index: int
    text: str

    @property
    def query(self) -> bool:
        """Whether it is embedded as a question."""
        return self.role in ("phrasing", "referral")

    @property
    def id(self) -> str:
        """Its id in the collection."""
        return f"{self.role}|{self.key}|{self.index}"


def entries(corpus: Corpus) -> Iterator[Entry]:
    """Everything that gets a vector."""
    for passage in filter(indexed, corpus.passages):
        yield Entry("text", passage.id, 0, _in_context(passage, passage.text))
        parts = spans(passage.text)
        if len(parts) > 1:
            for index, part in enumerate(parts):
                yield Entry("span", passage.id, index, part)
        if passage.english:
            yield Entry("english", passage.id, 0, passage.english)
        for index, phrasing in enumerate(passage.phrasings):
            yield Entry("phrasing", passage.id, index, phrasing)
    for number, referral in enumerate(corpus.referrals):
        for index, phrasing in enumerate(referral.phrasings):
            yield Entry("referral", str(number), index, phrasing)


def _in_context(passage: Passage, text: str) -> str:
    """A sentence under its article's heading means more than alone."""
    heading = passage.path[-1] if passage.kind == "sentence" and passage.path else ""
    return f"{heading}。{text}" if heading else text


def open_client(folder: Path, url: str = "") -> ClientAPI:
    """An embedded client, or one of a Chroma server; telemetry is off."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    options = ChromaSettings(anonymized_telemetry=False, allow_reset=False)
    try:
        if url:
            from urllib.parse import urlsplit

            parts = urlsplit(url)
            return chromadb.HttpClient(
                parts.hostname or "127.0.0.1", parts.port or 8000, ssl=parts.scheme == "https", settings=options
            )
        return chromadb.PersistentClient(str(folder), settings=options)
    except Exception as error:
        raise RetrieveError(
            f"Chroma can't be opened at {url or folder}: {error}.",
            "Run `jiamenkou publish --rebuild`." if not url else "Check JIAMENKOU_CHROMA_URL.",
        ) from error


class DenseArtefact:
    """Embeds and stores; the part of a release that ``DenseIndex`` opens."""

    name = "dense"

    def __init__(
        self,
        embedder: Embedder,
        cache_folder: Path,
        url: str = "",
        progress: Callable[[int, int], None] = lambda done, all_: None,
    ) -> None:
        self.identity = f"chroma-2-{embedder.name}"
        self._embedder, self._cache_folder, self._url = embedder, cache_folder, url
        self._progress = progress

    def build(self, corpus: Corpus, folder: Path) -> None:
        """Write the collection, and read a known vector back before calling it done."""
        cache = CachedVectors(self._embedder, self._cache_folder)
        all_ = list(entries(corpus))
        (folder / "embedder").write_text(self._embedder.name, encoding="utf-8")
        client = open_client(folder, self._url)
        name = collection_name(folder, self._url)
        collection = client.get_or_create_collection(name, configuration=GRAPH, embedding_function=None)  # type: ignore[arg-type]
        size = 500
        for start in range(0, len(all_), size):
            part = all_[start : start + size]
            vectors = np.zeros((len(part), self._embedder.dimensions), np.float32)
            for query in (True, False):
                rows = [i for i, entry in enumerate(part) if entry.query is query]
                vectors[rows] = cache.encode([part[i].text for i in rows], query)
            collection.upsert(ids=[entry.id for entry in part], embeddings=vectors)
            self._progress(min(start + size, len(all_)), len(all_))
        if all_:
            # A count may be right while vectors are gone, so ask for one by its own vector.
            canary = all_[len(all_) // 2]
            found = collection.query(cache.encode([canary.text], canary.query), n_results=1)["ids"][0]
            if collection.count() != len(all_) or not found:
                raise RetrieveError("The vector index did not come out whole.", "Publish again.")
            cache.save([(entry.text, entry.query) for entry in all_])
        _close(client)


def collection_name(folder: Path, url: str) -> str:
    """Embedded: always the same. On a server: one a release, named after its folder."""
    return COLLECTION if not url else f"release-{folder.parent.name}"


class DenseIndex:
    """Asks one release's collection."""

    def __init__(self, folder: Path, url: str = "", embedder: str = "") -> None:
        built_with = (folder / "embedder").read_text(encoding="utf-8") if (folder / "embedder").exists() else ""
        if embedder and built_with != embedder:
            raise RetrieveError(
                f"The release was built with the embedder {built_with or 'unknown'}, not {embedder}.",
                "Run `jiamenkou publish`.",
            )
        self._client = open_client(folder, url)
        try:
            self._collection: Any = self._client.get_collection(collection_name(folder, url), embedding_function=None)
            self.size = int(self._collection.count())
        except Exception as error:
            raise RetrieveError(
                f"The vector index in {folder} can't be read: {error}.", "Run `jiamenkou publish --rebuild`."
            ) from error

    def near(self, vector: Vectors, count: int) -> list[Hit]:
        """The ``count`` nearest vectors, nearest first."""
        if not self.size:
            return []
        found = self._collection.query(vector.reshape(1, -1), n_results=min(count, self.size), include=["distances"])
        return [
            _hit(id_, 1.0 - float(distance))
            for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Stored vectors by entry id; unknown ids are left out."""
        if not ids:
            return {}
        found = self._collection.get(list(ids), include=["embeddings"])
        return {
            id_: np.asarray(vector, np.float32) for id_, vector in zip(found["ids"], found["embeddings"], strict=True)
        }

    def close(self) -> None:
        """Let go of the files."""
        _close(self._client)


def _hit(id_: str, cosine: float) -> Hit:
    role, _, rest = id_.partition("|")
    key, _, index = rest.rpartition("|")
    return Hit(role, key, int(index), cosine)


def _close(client: ClientAPI) -> None:
    close = getattr(client, "close", None)
    if close:
        close()
