"""Texts to vectors: ONNX Runtime serves, sentence-transformers is the reference and takes any model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.errors import RetrieveError

Vectors = NDArray[np.float32]

LONGEST = 512  # tokens the model takes
BATCH = 32  # texts that sentence-transformers takes at once


class OnnxEmbedder:
    """multilingual-e5 from ``model_int8.onnx`` and ``tokenizer.json`` in one folder.

    One thread by default: beside a language model and a voice on 2 cores, more threads are slower. More
    ``threads`` embed that many texts side by side, which publishing uses.
    """

    def __init__(self, folder: Path, name: str, threads: int = 1) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                str(folder / "model_int8.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise RetrieveError(
                f"The embedder in {folder} can't be loaded: {error}.",
                "Run `jiamenkou weights verify` and `jiamenkou weights pull embedder`.",
            ) from error
        self._tokenizer.enable_truncation(LONGEST)
        self._threads = threads
        self.name = name
        self.dimensions = int(self._session.get_outputs()[0].shape[-1])

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, float32, shape (n, dimensions), L2-normalised."""
        return self._encode([f"query: {text}" for text in texts])

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32, shape (n, dimensions), L2-normalised."""
        return self._encode([f"passage: {text}" for text in texts])

    def count(self, text: str) -> int:
        """Tokens of ``text``, with those that the model doesn't read any more."""
        encoding = self._tokenizer.encode(text)
        return len(encoding) + sum(len(more) for more in encoding.overflowing)

    def _encode(self, texts: list[str]) -> Vectors:
        # One text at a time on each thread: with this 4-bit graph a batch was measured slower than its texts.
        if self._threads == 1 or len(texts) < 2:
            vectors = [self._one(text) for text in texts]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                vectors = list(pool.map(self._one, texts))
        return np.concatenate(vectors) if vectors else np.zeros((0, self.dimensions), np.float32)

    def _one(self, text: str) -> Vectors:
        encoding = self._tokenizer.encode(text)
        inputs = {
            "input_ids": np.array([encoding.ids], np.int64),
            "attention_mask": np.array([encoding.attention_mask], np.int64),
        }
        return np.asarray(self._session.run(None, inputs)[0], np.float32)


class SentenceTransformerEmbedder:
    """Any model that sentence-transformers loads, from a folder or a hub; needs torch."""

    def __init__(self, model: str | Path, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise RetrieveError(
                "sentence-transformers is not installed.",
                "Run `make setup`, or set JIAMENKOU_EMBEDDER_BACKEND=onnx.",
            ) from error
        self._model = SentenceTransformer(str(model), device="cpu")
        self._lock = threading.Lock()
        self.name = name
        self.dimensions = int(self._model.get_embedding_dimension() or 0)

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, float32, shape (n, dimensions), L2-normalised."""
        return self._encode(self._model.encode_query, texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, float32, shape (n, dimensions), L2-normalised."""
        return self._encode(self._model.encode_document, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        with self._lock:
            vectors = encode(list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


class FakeEmbedder:
    """For tests: hashed character pairs; alike texts have alike vectors, no weights needed."""

    name = "fake"
    dimensions = 256

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions."""
        return self._encode(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(out, texts, strict=True):
            for size in (1, 2):
                for start in range(len(text) - size + 1):
                    digest = hashlib.blake2b(text[start : start + size].encode(), digest_size=4).digest()
                    row[int.from_bytes(digest, "little") % self.dimensions] += size
            row /= np.linalg.norm(row) or 1.0
        return out
