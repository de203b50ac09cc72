"""Chroma in the place of exact comparison: one collection a segment, embedded or on a server."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from assistant.errors import RetrieveError
from assistant.retrieve.embedder import Vectors

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

# Defaults give a recall@10 of only 0.79 to 0.97 at 100,000 vectors; these give 0.99.
GRAPH = {"hnsw": {"space": "cosine", "ef_search": 400, "ef_construction": 200, "max_neighbors": 32}}
BLOCK = 500
LARGE = 20_000  # vectors from which building a graph takes longer than staff wait, and comparing all is quick enough


class Collection(Protocol):
    """Finds vectors of one segment without comparing all of them."""

    @property
    def size(self) -> int:
        """How many vectors it holds."""
        ...

    def fill(self, vectors: Vectors) -> None:
        """Store all vectors by position; complete on return."""
        ...

    def near(
        self, vector: Vectors, count: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions and cosines of the ``count`` nearest that are allowed."""
        ...


def no_collection(folder: Path) -> Collection | None:
    """Every vector is compared."""
    return None


def chroma(url: str = "") -> Callable[[Path], Collection | None]:
    """Makes collections in each segment's folder, or on the server at ``url``."""
    return lambda folder: _opened(folder, url)


_collections: WeakValueDictionary[tuple[Path, str], ChromaCollection] = WeakValueDictionary()
_opening = threading.Lock()


def _opened(folder: Path, url: str = "") -> ChromaCollection:
    """The collection of a segment, opened once in a process; it closes when no release holds it any more."""
    with _opening:
        collection = _collections.get((folder, url))
        if collection is None:
            collection = _collections[folder, url] = ChromaCollection(folder, url)
        return collection


def chroma_unless_large(folder: Path) -> Collection | None:
    """A collection in the folder of a segment that is not large; every vector of a large one is compared."""
    rows = int(np.load(folder / "vectors.npy", mmap_mode="r").shape[0])
    return _opened(folder) if rows < LARGE else None


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


class ChromaCollection:
    """The vectors of one segment in Chroma."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self._client = open_client(folder / "chroma", url)
        self._collection: Any = self._client.get_or_create_collection(
            f"segment-{folder.parent.name}",
            configuration=GRAPH,  # type: ignore[arg-type]
            embedding_function=None,
        )
        self.size = int(self._collection.count())
        weakref.finalize(self, _close, self._client)  # a release that nobody holds any more lets go of its files

    def fill(self, vectors: Vectors) -> None:
        """Store all, and read a known one back before calling it done."""
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK])
            self._collection.upsert(ids=[str(start + i) for i in range(len(block))], embeddings=block)
        self.size = int(self._collection.count())
        if len(vectors):
            # A count may be right while vectors are gone, so ask for one by its own vector.
            found = self._collection.query(np.asarray(vectors[len(vectors) // 2]).reshape(1, -1), n_results=1)["ids"][0]
            if self.size != len(vectors) or not found:
                raise RetrieveError("The vector index did not come out whole.", "Publish again.")

    def near(
        self, vector: Vectors, count: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Asks for more until enough of them are allowed."""
        wanted = count
        while True:
            wanted = min(wanted, self.size)
            if not wanted:
                return np.zeros(0, np.int64), np.zeros(0, np.float32)
            found = self._collection.query(vector.reshape(1, -1), n_results=wanted, include=["distances"])
            positions = np.array([int(id_) for id_ in found["ids"][0]], np.int64)
            cosines = 1.0 - np.asarray(found["distances"][0], np.float32)
            kept = allowed[positions]
            if int(kept.sum()) >= count or wanted == self.size:
                return positions[kept][:count], cosines[kept][:count]
            wanted *= 4


def _close(client: ClientAPI) -> None:
    close = getattr(client, "close", None)
    if close:
        close()
