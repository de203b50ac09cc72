"""A learned sense of danger: character n-grams weighed on the sayings in danger.yaml.

The rules of emergencies.yaml know words; this knows how people in danger talk, so it catches what no
rule foresaw. After changing the sayings learn again, with the residents' phrasings as more everyday ones:
``python -m assistant.understand.danger knowledge/corpus/plan/phrasings.yaml``.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

SAYINGS = Path(__file__).with_name("danger.yaml")
WEIGHTS = Path(__file__).with_name("danger.json")

_LONGEST = 3  # characters of an n-gram
_RARE = 2  # n-grams in fewer sayings carry no weight
_REGULARISATION = 0.05  # per saying and squared weight
_NEIGHBOURS = 5  # sayings that vote for the kind
_EVERYDAY = 2500  # sayings without danger from elsewhere that are learned from
_LEAST_LIKE = 0.12  # cosine under which a saying has no vote


def _grams(text: str) -> set[str]:
    text = f"^{text}$"
    return {text[i : i + n] for n in range(1, _LONGEST + 1) for i in range(len(text) - n + 1)}


@dataclass(frozen=True)
class Danger:
    """Weights of n-grams, and the sayings by kind for finding the most alike."""

    bias: float
    weights: dict[str, float]
    rarity: dict[str, float]  # inverse document frequency, also of n-grams without weight
    sayings: dict[str, list[tuple[int, float]]]  # n-gram: (saying, its share)
    kinds: list[str]  # of each saying; '' for an everyday one

    def _vector(self, text: str) -> dict[str, float]:
        vector = {gram: self.rarity[gram] for gram in _grams(text) if gram in self.rarity}
        length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        return {gram: value / length for gram, value in vector.items()}

    def score(self, text: str) -> float:
        """Log-odds that ``text`` (plain, as the rules see it) tells of an emergency."""
        vector = self._vector(text)
        return self.bias + sum(self.weights.get(gram, 0.0) * share for gram, share in vector.items())

    def kind(self, text: str) -> str:
        """The kind of the most alike sayings, or 'help' when none is alike."""
        likeness: dict[int, float] = {}
        for gram, share in self._vector(text).items():
            for saying, its_share in self.sayings.get(gram, ()):
                likeness[saying] = likeness.get(saying, 0.0) + share * its_share
        votes: dict[str, float] = {}
        for saying in sorted(likeness, key=lambda saying: -likeness[saying])[:_NEIGHBOURS]:
            if likeness[saying] >= _LEAST_LIKE:
                kind = self.kinds[saying]
                votes[kind] = votes.get(kind, 0.0) + likeness[saying]
        return max(votes, key=lambda kind: votes[kind], default="help")


def _sayings() -> tuple[list[str], list[str]]:
    """All sayings as the rules see them, and the kind of each ('' for everyday ones)."""
    from assistant.understand.emergencies import bare_text

    data = yaml.safe_load(SAYINGS.read_text(encoding="utf-8"))
    pairs = [(text, kind) for kind, texts in data["emergencies"].items() for text in texts]
    pairs += [(text, "") for text in data["everyday"]]
    return [bare_text(text) for text, _ in pairs], [kind for _, kind in pairs]


def _rarity(texts: list[str]) -> dict[str, float]:
    """Inverse document frequency of each n-gram that is in enough ``texts``."""
    counts = Counter(gram for text in texts for gram in _grams(text))
    return {gram: math.log((1 + len(texts)) / (1 + count)) + 1 for gram, count in counts.items() if count >= _RARE}


def _strings(value: object) -> list[str]:
    """Every string in parsed YAML."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def learn(everyday: list[str], steps: int = 1500) -> dict[str, object]:
    """Weights by logistic regression with an L2 penalty, both classes counting the same.

    ``everyday`` are more sayings without danger, beside those of danger.yaml; of many every nth is taken,
    since they would drown those that are dangerous by their words only.
    """
    import numpy as np

    from assistant.understand.emergencies import bare_text

    texts, kinds = _sayings()
    rarity = _rarity(texts)
    everyday = everyday[:: max(1, round(len(everyday) / _EVERYDAY))]
    texts += map(bare_text, everyday)
    kinds += [""] * len(everyday)
    grams = [_grams(text) for text in texts]
    vocabulary = {gram: at for at, gram in enumerate(sorted(rarity))}
    rows = np.zeros((len(texts), len(vocabulary)), dtype=np.float32)
    for row, found in zip(rows, grams, strict=True):
        for gram in found & vocabulary.keys():
            row[vocabulary[gram]] = rarity[gram]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9
    danger = np.array([bool(kind) for kind in kinds], dtype=np.float32)
    importance = np.where(danger == 1, 0.5 / danger.sum(), 0.5 / (1 - danger).sum()).astype(np.float32)
    weights = np.zeros(rows.shape[1], dtype=np.float32)
    speed = np.zeros_like(weights)
    bias = 0.0
    bias_speed = 0.0
    penalty = _REGULARISATION / len(texts)
    for _ in range(steps):  # gradient descent with momentum: convex, so it ends at the one optimum
        wrong = importance * (1 / (1 + np.exp(-(rows @ weights + bias))) - danger)
        speed = 0.95 * speed - 2.0 * (rows.T @ wrong + penalty * weights)
        bias_speed = 0.95 * bias_speed - 2.0 * float(wrong.sum())
        weights += speed
        bias += bias_speed
    return {
        "bias": round(bias, 3),
        "weights": {gram: round(float(weights[at]), 2) for gram, at in vocabulary.items()},
    }


@lru_cache(maxsize=1)
def danger() -> Danger:
    """The learned weights and the sayings, read once."""
    learned = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    texts, kinds = _sayings()
    built = Danger(learned["bias"], learned["weights"], _rarity(texts), {}, kinds)
    for at, text in enumerate(texts):
        if kinds[at]:
            for gram, share in built._vector(text).items():
                built.sayings.setdefault(gram, []).append((at, share))
    return built


if __name__ == "__main__":
    more = [text for file in sys.argv[1:] for text in _strings(yaml.safe_load(Path(file).read_text("utf-8")))]
    WEIGHTS.write_text(json.dumps(learn(more), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
