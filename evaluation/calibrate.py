"""Fit the evidence gate: a logistic model of retrieval scores; the fresh_* questions are never used for it.

Positives are questions that the plan answers and every third phrasing of the corpus; negatives are
questions that it doesn't and the referrals' phrasings. A phrasing is left out of the index while it is asked.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import assistant.retrieve.gate as gate
from assistant.main import Library, make_embedder
from assistant.settings import Settings
from assistant.understand.clean import clean_question
from assistant.understand.question import make_question

HERE = Path(__file__).parent
TARGET = Path(gate.__file__).parent / "calibration.json"
SAME = 0.9999  # cosine of a phrasing to itself
REFUSED_AT_MOST = 0.015  # share of answerable dev questions that may fall under the threshold


def dev() -> list[tuple[str, bool, float]]:
    """(question, answerable, weight) of all sets but the fresh ones."""
    found: list[tuple[str, bool, float]] = []
    for name in ("factual", "colloquial", "premise", "english", "departments", "unanswerable", "emergency_lookalikes"):
        for line in (HERE / "questions" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            if "department" not in item:
                answerable = item.get("answerable", name != "unanswerable" and not item.get("refused"))
                found.append((item["q"], answerable, 3.0))
    shared = HERE.parent.parent / "shared" / "questions"
    for name, answerable in (("plan_dev", True), ("plan_dev_unanswerable", False)):
        if (shared / f"{name}.jsonl").exists():
            for line in (shared / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
                found.append((json.loads(line)["q"], answerable, 3.0))
    return found


def rows() -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], list[bool]]:
    """Questions, features, labels, weights, and whether each is a dev question."""
    config = Settings()
    embedder = make_embedder(config)
    library = Library(config, embedder)
    knowledge, today = library.knowledge(), library.today()
    search = knowledge.retriever
    asked = [(q, ok, w, True) for q, ok, w in dev()]
    phrasings = [q for p in knowledge.passages.values() if not p.sample for q in p.phrasings]
    asked += [(q, True, 1.0, False) for q in phrasings[::3]]
    asked += [(q, False, 1.0, False) for r in search.referrals for q in r.phrasings]
    names: list[str] = []
    features: list[list[float]] = []
    labels, weights, is_dev = [], [], []
    for text, answerable, weight, from_dev in asked:
        question = make_question(clean_question(text), aliases=knowledge.aliases)
        question = search.repaired(question)
        vector = search.vector(question.resolved, question.language)
        hits = [h for h in search.near(vector, today) if from_dev or h.cosine < SAME]
        evidence = search.rank(question, vector, hits, today)
        values = gate.features(evidence)
        names = list(values)
        features.append(list(values.values()))
        labels.append(float(answerable))
        weights.append(weight)
        is_dev.append(from_dev)
    return names, np.array(features), np.array(labels), np.array(weights), is_dev


def fit(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], ridge: float = 0.05
) -> NDArray[np.float64]:
    """Weighted logistic regression by Newton's method; the last coefficient is the intercept."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - centre) / spread, np.ones(len(x))]
    beta = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ beta))
        gradient = z.T @ (w * (y - p)) - ridge * beta
        hessian = (z * (w * p * (1 - p))[:, None]).T @ z + ridge * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    slopes = beta[:-1] / spread
    return np.r_[slopes, beta[-1] - slopes @ centre]


def main() -> None:
    """Fit, choose the threshold on dev, and write calibration.json."""
    names, x, y, w, is_dev = rows()
    beta = fit(x, y, w)
    p = 1 / (1 + np.exp(-(x @ beta[:-1] + beta[-1])))
    mine = np.array(is_dev)
    answerable = np.sort(p[mine & (y == 1)])
    threshold = float(answerable[int(len(answerable) * REFUSED_AT_MOST)]) * 0.98
    calibration = json.loads(TARGET.read_text(encoding="utf-8"))
    calibration["gate"] = {
        **{name: round(float(value), 4) for name, value in zip(names, beta, strict=False)},
        "intercept": round(float(beta[-1]), 4),
        "answer": round(threshold, 4),
        "near": round(threshold / 4, 4),
    }
    for name, chosen in (("dev", mine), ("phrasings and referrals", ~mine)):
        kept, refused = p[chosen & (y == 1)] >= threshold, p[chosen & (y == 0)] < threshold
        print(
            f"{name}: answerable kept {kept.mean():.1%} of {len(kept)}, others refused {refused.mean():.1%} of {len(refused)}"
        )
    TARGET.write_text(json.dumps(calibration, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(calibration["gate"]))


if __name__ == "__main__":
    main()
