"""Read the 4-bit multilingual-e5-small file (format "E5S1") into typed arrays."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assistant.errors import WeightsError

BLOCK = 32  # weights that share one scale
BLOCK_BYTES = 18  # a float16 scale, then 16 bytes of two 4-bit weights each

Floats = NDArray[np.float32]


class _Tensor(NamedTuple):
    kind: int  # 0 float32, 1 blocks of 4-bit weights
    length: int  # in values
    offset: int
    size: int


@dataclass(frozen=True)
class Blocks:
    """A 4-bit matrix: value = (code - 8) × scale.

    ``codes`` is uint8 0 to 15, shape (rows, columns); ``scales`` float32, (rows, columns / 32).
    """

    codes: NDArray[np.uint8]
    scales: Floats

    def values(self) -> Floats:
        """The matrix as float32, shape (rows, columns)."""
        signed = self.codes.astype(np.float32) - 8.0
        return signed * np.repeat(self.scales, BLOCK, axis=1)

    def rows(self, wanted: NDArray[np.int64]) -> Blocks:
        """Only the wanted rows, in that order."""
        return Blocks(self.codes[wanted], self.scales[wanted])


@dataclass(frozen=True)
class Layer:
    """One encoder layer; matrices are (outputs, inputs), as PyTorch keeps them."""

    matrices: dict[str, Blocks]  # q, k, v, ao (attention out), fi (widen), fo (narrow)
    vectors: dict[str, Floats]  # their biases as q.b …, and aln.w, aln.b, oln.w, oln.b


@dataclass(frozen=True)
class E5:
    """The whole model: sizes, vocabulary and weights."""

    hidden: int
    heads: int
    wide: int
    positions: int
    types: int
    epsilon: float
    pieces: tuple[str, ...]
    scores: Floats
    special: dict[str, int]  # bos, eos, pad, unk
    word: Blocks
    position: Floats  # (positions, hidden)
    type: Floats  # (types, hidden)
    norm_weight: Floats
    norm_bias: Floats
    layers: tuple[Layer, ...]


class _Cursor:
    """Walks over the header, field by field."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += values.nbytes
        return values

    def raw(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def _table(cursor: _Cursor) -> Iterator[tuple[str, _Tensor]]:
    (count,) = cursor.take("<i")
    for _ in range(count):
        (length,) = cursor.take("<H")
        name = cursor.raw(length).decode("ascii")
        yield name, _Tensor(*cursor.take("<BIQQ"))


def read(path: Path) -> E5:
    """Parse ``path``; raises ``WeightsError`` when it isn't such a file or is cut short."""
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as problem:
        raise WeightsError(
            f"{path} is not a complete E5S1 model file ({problem}).",
            "Run `jiamenkou weights verify multilingual-e5-small --repair`.",
        ) from problem


def _read(data: bytes) -> E5:
    cursor = _Cursor(data)
    magic, version = cursor.raw(4), cursor.take("<I")[0]
    if magic != b"E5S1" or version != 1:
        raise ValueError(f"starts with {magic!r}, version {version}")
    hidden, layers, heads, wide, vocabulary, positions, types = cursor.take("<7i")
    epsilon, block = cursor.take("<fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights instead of {BLOCK}")
    count, bos, eos, pad, unk = cursor.take("<5i")
    (blob_size,) = cursor.take("<Q")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).astype(np.float32)
    blob = cursor.raw(blob_size)
    pieces = tuple(blob[start:stop].decode() for start, stop in pairwise(offsets))
    _, digest_size = cursor.take("<iI")
    cursor.raw(digest_size)  # a shortened normaliser; the exact one comes from sentencepiece
    table = dict(_table(cursor))

    def floats(name: str) -> Floats:
        tensor = table[name]
        if tensor.kind != 0:
            raise ValueError(f"{name} is not float32")
        return np.frombuffer(data, "<f4", tensor.length, tensor.offset).astype(np.float32)

    def blocks(name: str, rows: int) -> Blocks:
        tensor = table[name]
        if tensor.kind != 1 or tensor.size * BLOCK != tensor.length * BLOCK_BYTES:
            raise ValueError(f"{name} is not in 4-bit blocks")
        packed = np.frombuffer(data, np.uint8, tensor.size, tensor.offset).reshape(-1, BLOCK_BYTES)
        scales = np.ascontiguousarray(packed[:, :2]).view("<f2").astype(np.float32)
        # Byte j holds weight j of the block in its low half and weight j + 16 in its high half.
        codes = np.concatenate([packed[:, 2:] & 15, packed[:, 2:] >> 4], axis=1)
        return Blocks(codes.reshape(rows, -1), scales.reshape(rows, -1))

    def layer(number: int) -> Layer:
        prefix = f"l{number}."
        outputs = {"q": hidden, "k": hidden, "v": hidden, "ao": hidden, "fi": wide, "fo": hidden}
        vectors = [f"{name}.b" for name in outputs] + ["aln.w", "aln.b", "oln.w", "oln.b"]
        return Layer(
            {name: blocks(f"{prefix}{name}.w", rows) for name, rows in outputs.items()},
            {name: floats(prefix + name) for name in vectors},
        )

    return E5(
        hidden=hidden,
        heads=heads,
        wide=wide,
        positions=positions,
        types=types,
        epsilon=float(f"{epsilon:.3g}"),  # 1e-12, as float32 stored it
        pieces=pieces,
        scores=scores,
        special={"bos": bos, "eos": eos, "pad": pad, "unk": unk},
        word=blocks("emb.word", vocabulary),
        position=floats("emb.pos").reshape(positions, hidden),
        type=floats("emb.type").reshape(types, hidden),
        norm_weight=floats("emb.ln.w"),
        norm_bias=floats("emb.ln.b"),
        layers=tuple(layer(number) for number in range(layers)),
    )
