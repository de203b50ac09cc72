"""Write a tiny file of the E5S1 format, and compute what its model must say."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.weights.e5_file import E5, read

HIDDEN, LAYERS, HEADS, WIDE, POSITIONS = 64, 2, 2, 128, 32
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "社", "区", "社区", "▁hello", "к", "😀", "?", "<mask>"]


def write(path: Path, seed: int = 2) -> None:
    random = np.random.default_rng(seed)
    header = struct.pack("<4sI7ifi", b"E5S1", 1, HIDDEN, LAYERS, HEADS, WIDE, len(PIECES), POSITIONS, 2, 1e-12, 32)
    blob = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0] + [len(piece) for piece in blob]).astype("<u4")
    scores = np.array([0, 0, 0, 0, -3, -9, -9, -4, -5, -6, -7, -4, 0], "<f4")
    vocabulary = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1]))
    vocabulary += offsets.tobytes() + scores.tobytes() + b"".join(blob)
    digest = struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFF1F, 1, 0x3F)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), HIDDEN),
        "emb.pos": (POSITIONS * HIDDEN,),
        "emb.type": (2 * HIDDEN,),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for number in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            shapes[f"l{number}.{name}.w"], shapes[f"l{number}.{name}.b"] = (HIDDEN, HIDDEN), (HIDDEN,)
        shapes[f"l{number}.fi.w"], shapes[f"l{number}.fi.b"] = (WIDE, HIDDEN), (WIDE,)
        shapes[f"l{number}.fo.w"], shapes[f"l{number}.fo.b"] = (HIDDEN, WIDE), (HIDDEN,)
        for name in ("aln", "oln"):
            shapes[f"l{number}.{name}.w"], shapes[f"l{number}.{name}.b"] = (HIDDEN,), (HIDDEN,)
    bodies: dict[str, tuple[int, int, bytes]] = {}
    for name, shape in shapes.items():
        count = math.prod(shape)
        if len(shape) == 2:
            blocks = count // 32
            scales = random.uniform(0.02, 0.1, blocks).astype("<f2").view(np.uint8).reshape(-1, 2)
            codes = random.integers(0, 256, (blocks, 16), dtype=np.uint8)
            bodies[name] = (1, count, np.concatenate([scales, codes], axis=1).tobytes())
        else:
            bodies[name] = (0, count, random.normal(0.0, 0.7, count).astype("<f4").tobytes())
    size = len(header) + len(vocabulary) + len(digest) + 4
    at = size + sum(2 + len(name) + 21 for name in bodies)
    table = struct.pack("<i", len(bodies))
    for name, (kind, count, body) in bodies.items():
        table += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at, len(body))
        at += len(body)
    path.write_bytes(header + vocabulary + digest + table + b"".join(body for _, _, body in bodies.values()))


def embed(path: Path, ids: list[int]) -> NDArray[np.float64]:
    """The sentence vector by plain arithmetic, from the full vocabulary's ids."""
    model: E5 = read(path)
    size = model.hidden // model.heads

    def norm(x: NDArray[np.float64], w: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
        centred: NDArray[np.float64] = x - x.mean(-1, keepdims=True)
        return np.asarray(centred / np.sqrt(x.var(-1, keepdims=True) + model.epsilon) * w + b, np.float64)

    erf = np.vectorize(math.erf)
    x = model.word.values().astype(np.float64)[ids] + model.position[: len(ids)] + model.type[0]
    x = norm(x, model.norm_weight, model.norm_bias)
    for layer in model.layers:
        m = {name: blocks.values().astype(np.float64) for name, blocks in layer.matrices.items()}
        v = layer.vectors
        q, k, value = (x @ m[name].T + v[f"{name}.b"] for name in "qkv")
        mixed = []
        for head in range(model.heads):
            cut = slice(head * size, (head + 1) * size)
            scores = np.exp(q[:, cut] @ k[:, cut].T / math.sqrt(size))
            mixed.append(scores / scores.sum(-1, keepdims=True) @ value[:, cut])
        x = norm(x + np.concatenate(mixed, -1) @ m["ao"].T + v["ao.b"], v["aln.w"], v["aln.b"])
        wide = x @ m["fi"].T + v["fi.b"]
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        x = norm(x + wide @ m["fo"].T + v["fo.b"], v["oln.w"], v["oln.b"])
    mean = x.mean(0)
    result: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return result
