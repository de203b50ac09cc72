"""Postings: which rows hold which tokens, in files that are mapped, merged, and asked without being read whole."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

_FILES = ("keys", "starts", "rows", "counts", "lengths")


@lru_cache(maxsize=300_000)
def token_key(token: str) -> int:
    """A token as 64 bits; among a million tokens two are alike with a chance of 3 in 100 million."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "little")


def write(folder: Path, name: str, texts: Iterable[tuple[Sequence[str], frozenset[str]]]) -> None:
    """Write postings of ``texts``: each one's tokens, and those of them that are marked."""
    keys, rows, counts, lengths = array("Q"), array("I"), array("H"), array("I")
    for row, (tokens, marked) in enumerate(texts):
        lengths.append(max(1, len(tokens)))  # a text without a token counts as one
        for token, count in Counter(tokens).items():
            keys.append(token_key(token))
            rows.append(row << 1 | (token in marked))
            counts.append(min(count, 65535))
    _sorted(
        folder,
        name,
        np.frombuffer(keys, np.uint64) if keys else np.zeros(0, np.uint64),
        np.array(rows, np.uint32),
        np.array(counts, np.uint16),
        np.array(lengths, np.uint32),
    )


def merge(parts: Sequence[tuple[Path, Rows]], folder: Path, name: str) -> None:
    """Write what ``write`` would have written for the chosen rows of ``parts``."""
    keys, rows, counts, lengths, base = [], [], [], [], 0
    for part, chosen in parts:
        postings = Postings(part, name)
        place = np.full(len(postings.lengths), -1, np.int64)
        place[chosen] = np.arange(base, base + len(chosen))
        moved = place[postings.rows >> 1]
        kept = moved >= 0
        keys.append(np.repeat(postings.keys, np.diff(postings.starts))[kept])
        rows.append((moved[kept] << 1 | (postings.rows[kept] & 1)).astype(np.uint32))
        counts.append(postings.counts[kept])
        lengths.append(postings.lengths[chosen])
        base += len(chosen)
    _sorted(folder, name, *(np.concatenate(each) for each in (keys, rows, counts, lengths)))


def _sorted(folder: Path, name: str, keys: Keys, rows: Rows, counts: Rows, lengths: Rows) -> None:
    order = np.argsort(keys, kind="stable")  # rows stay in order under each key
    found, starts = np.unique(keys[order], return_index=True)
    arrays = (found, np.append(starts, len(keys)).astype(np.int64), rows[order], counts[order], lengths)
    for file, values in zip(_FILES, arrays, strict=True):
        np.save(folder / f"{name}.{file}.npy", values)


class Postings:
    """Postings of one segment, mapped."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises OSError or ValueError when they are not whole."""
        keys, starts, rows, counts, lengths = (
            np.load(folder / f"{name}.{file}.npy", mmap_mode="r").view(np.ndarray) for file in _FILES
        )
        if len(starts) != len(keys) + 1 or len(rows) != starts[-1] or len(counts) != len(rows):
            raise ValueError(f"{name} is cut off")
        self.keys, self.starts, self.rows, self.counts, self.lengths = keys, starts, rows, counts, lengths

    def find(self, token: str) -> slice:
        """Where a token's postings are; empty when nothing holds it."""
        key = np.uint64(token_key(token))
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            return slice(0, 0)
        return slice(int(self.starts[at]), int(self.starts[at + 1]))
