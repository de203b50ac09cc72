"""Build the Hugging Face tokenizer of multilingual-e5-small, kept to Chinese and English."""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.weights.e5_file import E5

SPACE = "▁"
MASK = "<mask>"
LONGEST = 512  # tokens
_SYMBOLS = {"So", "Sk", "Sm", "Sc", "Mn", "Me", "Cf"}  # emoji with their modifiers, currency, mathematics


def kept(piece: str) -> bool:
    """Whether every character of ``piece`` may occur in Chinese or English text.

    Text of such characters is cut exactly as with the full vocabulary, because the best cut uses
    only pieces made of the text's own characters, and none of those is dropped.
    """
    return all(_is_kept(character) for character in piece)


def _is_kept(character: str) -> bool:
    if character.isascii() or character == SPACE:
        return True
    name = unicodedata.name(character, "")
    if name.startswith(("CJK", "FULLWIDTH", "IDEOGRAPHIC", "BOPOMOFO", "VARIATION SELECTOR", "EMOJI")):
        return True
    kind = unicodedata.category(character)
    if kind.startswith("P") or kind in ("Nd", "Nl", "No"):
        return _script_free(name)
    return kind in _SYMBOLS and _script_free(name)


def _script_free(name: str) -> bool:
    """Digits, marks and punctuation of another script (ARABIC-INDIC DIGIT …) are of no use here."""
    others = (
        "ARABIC",
        "DEVANAGARI",
        "BENGALI",
        "GURMUKHI",
        "GUJARATI",
        "ORIYA",
        "TAMIL",
        "TELUGU",
        "KANNADA",
    )
    more = ("MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER", "ETHIOPIC", "ARMENIAN")
    rest = ("HEBREW", "SYRIAC", "MONGOLIAN", "KATAKANA", "HIRAGANA", "HANGUL", "GEORGIAN", "CYRILLIC")
    return not name.startswith(others + more + rest)


def kept_ids(model: E5) -> NDArray[np.int64]:
    """Ids of the full vocabulary that stay, ascending; the special ones keep their places 0 to 3."""
    special = {*model.special.values(), len(model.pieces) - 1}
    return np.array([i for i, piece in enumerate(model.pieces) if i in special or kept(piece)], dtype=np.int64)


def normaliser_map() -> bytes:
    """The compiled nmt_nfkc character map that XLM-R's tokenizer starts with."""
    from sentencepiece import SentencePieceNormalizer, sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def tokenizer_files(model: E5, ids: NDArray[np.int64]) -> dict[str, str]:
    """``tokenizer.json`` and its companions as JSON text, for the kept ``ids``."""
    pieces = [model.pieces[i] for i in ids]
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    names |= {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": MASK}
    definition: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": pieces.index(token),
                "content": token,
                "single_word": False,
                "lstrip": token == MASK,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for token in ("<s>", "<pad>", "</s>", "<unk>", MASK)
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {
                    "type": "Precompiled",
                    "precompiled_charsmap": base64.b64encode(normaliser_map()).decode("ascii"),
                },
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, _metaspace()]},
        "post_processor": _template(model),
        "decoder": _metaspace(),
        "model": {
            "type": "Unigram",
            "unk_id": pieces.index("<unk>"),
            "byte_fallback": False,
            "vocab": [[piece, float(model.scores[i])] for piece, i in zip(pieces, ids, strict=True)],
        },
    }
    settings = {
        **names,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": LONGEST,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    return {
        "tokenizer.json": json.dumps(definition, ensure_ascii=False),
        "tokenizer_config.json": json.dumps(settings, indent=1),
        "special_tokens_map.json": json.dumps(names, indent=1),
    }


def _metaspace() -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}


def _template(model: E5) -> dict[str, Any]:
    """Put <s> before and </s> after each sequence."""
    start, stop = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("<s>", "</s>"))
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in ("A", "B"))
    ids = {"<s>": model.special["bos"], "</s>": model.special["eos"]}
    return {
        "type": "TemplateProcessing",
        "single": [start, first, stop],
        "pair": [start, first, stop, stop, second, stop],
        "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in ids.items()},
    }
