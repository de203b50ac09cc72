"""Convert the 4-bit multilingual-e5-small file into the folder that embedders load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from assistant.weights.e5_file import E5, Blocks, read
from assistant.weights.e5_onnx import build
from assistant.weights.e5_tokenizer import LONGEST, kept_ids, tokenizer_files

PROMPTS = {"query": "query: ", "document": "passage: ", "passage": "passage: "}
ONNX = "model_int8.onnx"

_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def convert(source: Path, folder: Path) -> None:
    """Write the folder for ``SentenceTransformer(folder)``, and ``model_int8.onnx`` beside it.

    ``folder`` must exist. The same source and libraries give the same bytes. Raises
    ``WeightsError`` when ``source`` isn't the file it should be.
    """
    import onnx

    model = read(source)
    ids = kept_ids(model)
    word = model.word.rows(ids)
    for name, text in {**tokenizer_files(model, ids), **_configuration(model, len(ids))}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    _save_tensors(model, word, folder / "model.safetensors")
    onnx.save(build(model, word), str(folder / ONNX))


def _save_tensors(model: E5, word: Blocks, path: Path) -> None:
    """The weights as float16 under the names that BertModel expects."""
    from safetensors.numpy import save_file

    tensors = {
        "embeddings.word_embeddings.weight": word.values(),
        "embeddings.position_embeddings.weight": model.position,
        "embeddings.token_type_embeddings.weight": model.type,
        "embeddings.LayerNorm.weight": model.norm_weight,
        "embeddings.LayerNorm.bias": model.norm_bias,
        # Mean pooling has no use for BERT's own pooler: zeros, so that loading invents nothing.
        "pooler.dense.weight": np.zeros((model.hidden, model.hidden), np.float32),
        "pooler.dense.bias": np.zeros(model.hidden, np.float32),
    }
    for number, layer in enumerate(model.layers):
        prefix = f"encoder.layer.{number}."
        for short, long in _MATRICES.items():
            tensors[f"{prefix}{long}.weight"] = layer.matrices[short].values()
            tensors[f"{prefix}{long}.bias"] = layer.vectors[f"{short}.b"]
        for short, long in _NORMS.items():
            tensors[f"{prefix}{long}.weight"] = layer.vectors[f"{short}.w"]
            tensors[f"{prefix}{long}.bias"] = layer.vectors[f"{short}.b"]
    half = {name: np.ascontiguousarray(values, dtype=np.float16) for name, values in tensors.items()}
    # One metadata key only: with two their order, and so the file's bytes, would vary.
    save_file(half, path, {"format": "pt"})
    path.chmod(0o644)  # it is written for its owner alone, but is as public as its neighbours


def _configuration(model: E5, vocabulary: int) -> dict[str, str]:
    """The JSON files beside the weights, by relative path."""
    bert: dict[str, Any] = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": model.hidden,
        "intermediate_size": model.wide,
        "num_attention_heads": model.heads,
        "num_hidden_layers": len(model.layers),
        "max_position_embeddings": model.positions,
        "type_vocab_size": model.types,
        "vocab_size": vocabulary,
        "layer_norm_eps": model.epsilon,
        "pad_token_id": model.special["pad"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
    }
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds.items())
    ]
    pooling = {"word_embedding_dimension": model.hidden, "pooling_mode_mean_tokens": True}
    pooling |= {f"pooling_mode_{name}": False for name in ("cls_token", "max_tokens", "mean_sqrt_len_tokens")}
    files: dict[str, Any] = {
        "config.json": bert,
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "2_Normalize/config.json": {},
        "sentence_bert_config.json": {"max_seq_length": LONGEST, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": PROMPTS,
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
    return {name: json.dumps(content, indent=1) for name, content in files.items()}
