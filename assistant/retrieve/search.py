"""Search one release: gather candidates from meaning, words and sounds, and fuse their scores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

import numpy as np

from assistant.contracts import STORY, Candidate, Corpus, Embedder, Evidence, Language, Passage, Question
from assistant.retrieve.dense import DenseIndex, Hit
from assistant.retrieve.embedder import Vectors
from assistant.retrieve.gate import CALIBRATION
from assistant.retrieve.homophones import Homophones
from assistant.retrieve.lexical import LexicalIndex, searchable
from assistant.retrieve.spans import spans
from assistant.retrieve.words import expand, tokens

NEAR = 150  # vectors looked at; phrasings, spans and referrals are among them
TOP = 15  # candidates taken from each way of searching
# Cosine taken from an uncovered phrasing that asks for a price or the like, when the question doesn't.
OTHER_KIND = 0.04
SHOWN = 8  # candidates handed on

# Words by which a question is about the document itself.
_DOCUMENT = re.compile(
    r"方案|文件|通知|文号|落款|印发|发布|制订|制定|转发|出台|起草|政策|plan|document|notice", re.IGNORECASE
)


class ReleaseSearch:
    """A ``Retriever`` over one open release."""

    def __init__(
        self,
        corpus: Corpus,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        asks: Callable[[str], frozenset[str]] = lambda text: frozenset(),
    ) -> None:
        """``asks`` tells what a text asks for beyond its topic: a price, a phone, another year …"""
        self._asks = asks
        self._passages = {p.id: p for p in corpus.passages}
        self._referral_kinds: dict[tuple[int, int], frozenset[str]] = {}
        self.referrals = corpus.referrals
        self._synonyms = corpus.synonyms
        self._dense, self._lexical, self._embedder = dense, lexical, embedder
        self._position = {id_: i for i, id_ in enumerate(lexical.ids)}
        self._held: dict[str, frozenset[str]] = {}  # tokens of passages met so far
        self._document_frequency = _frequencies(p for p in corpus.passages if p.kind != "article")
        texts = [*(p.text for p in corpus.passages), *(q for p in corpus.passages for q in p.phrasings)]
        texts += [q for r in corpus.referrals for q in r.phrasings] + [w for g in corpus.synonyms for w in g]
        self._homophones = Homophones((w for g in corpus.synonyms for w in g), texts)
        self._weights: dict[str, float] = CALIBRATION["fusion"]

    def search(self, question: Question, day: date) -> Evidence:
        """Candidates that may answer ``question`` on ``day``, best first; expired ones are never ranked."""
        return self.as_heard(self.repaired(question), day)

    def as_heard(self, question: Question, day: date) -> Evidence:
        """The same without putting misheard words right first."""
        vector = self.vector(question.resolved, question.language)
        return self.rank(question, vector, self.near(vector), day)

    def close(self) -> None:
        """Let go of the index's files."""
        self._dense.close()

    def repaired(self, question: Question) -> Question:
        """The question with misheard words of the domain put right."""
        return question.model_copy(update={"resolved": self._homophones.repair(question.resolved)})

    def vector(self, text: str, language: Language = Language.CHINESE) -> Vectors:
        """A question's vector; of a long story its end, where the question stands, counts as much as all."""
        longest = STORY[language]
        if len(text) <= longest:
            return np.asarray(self._embedder.encode_query([text])[0], np.float32)
        both = self._embedder.encode_query([text, text[-longest:]])
        mean = np.asarray(both.sum(0), np.float32)
        return mean / np.float32(np.linalg.norm(mean) or 1.0)

    def near(self, vector: Vectors) -> list[Hit]:
        """Vectors near a question's."""
        return self._dense.near(vector, NEAR)

    def rank(self, question: Question, vector: Vectors, hits: list[Hit], day: date) -> Evidence:
        """Fuse what is near ``vector`` with what shares words and sounds."""
        words = self._lexical.words(question.resolved)
        sounds = self._lexical.sounds(question.resolved)
        best: dict[str, dict[str, float]] = {role: {} for role in ("text", "span", "english", "phrasing", "referral")}
        nearest_span: dict[str, int] = {}
        asked = self._asks(question.resolved)
        for hit in hits:  # nearest first
            if hit.role == "referral":
                cosine = hit.cosine - (0.0 if self._referral_asks(hit) <= asked else OTHER_KIND)
                best["referral"][hit.key] = max(best["referral"].get(hit.key, 0.0), cosine)
                continue
            if hit.key not in best[hit.role]:
                best[hit.role][hit.key] = hit.cosine
                if hit.role == "span":
                    nearest_span[hit.key] = hit.index

        wanted = [*best["text"], *best["span"], *best["english"], *best["phrasing"]]
        wanted += [
            self._lexical.ids[i] for scores in (words, sounds) for i in np.argsort(-scores)[:TOP] if scores[i] > 0
        ]
        passages = [
            passage
            for id_ in dict.fromkeys(wanted)
            if (passage := self._passages.get(id_)) and self._may_answer(passage, question, day)
        ]
        dense = self._cosines(vector, passages, best["text"])
        word_top, sound_top = float(words.max(initial=0.0)) or 1.0, float(sounds.max(initial=0.0)) or 1.0
        focus = self._passages.get(question.focus or "")
        rarity = {token: self._rarity(token) for token in set(tokens(expand(question.resolved, self._synonyms)))}
        family = {focus.id, focus.parent} if focus else set()
        candidates = []
        for passage in passages:
            at = self._position[passage.id]
            features = {
                "dense": max(
                    dense.get(passage.id, 0.0),
                    best["span"].get(passage.id, 0.0),
                    best["english"].get(passage.id, 0.0),
                ),
                "article_dense": dense.get(passage.parent or "", dense.get(passage.id, 0.0)),
                "phrasing": best["phrasing"].get(passage.id, 0.0),
                "lexical": float(words[at]) / word_top,
                "pinyin": float(sounds[at]) / sound_top,
                "coverage": self._coverage(rarity, passage),
            }
            score = sum(self._weights[name] * value for name, value in features.items())
            if passage.id in family or (passage.parent and passage.parent in family):
                score += self._weights["focus"]
            span = spans(passage.text)[nearest_span[passage.id]] if passage.id in nearest_span else ""
            candidates.append(Candidate(passage=passage, score=score, span=span, **features))
        candidates.sort(key=lambda c: -c.score)
        nearest = max(best["referral"].items(), key=lambda item: item[1], default=None)
        return Evidence(
            candidates=tuple(candidates[:SHOWN]),
            referral=self.referrals[int(nearest[0])] if nearest else None,
            referral_score=nearest[1] if nearest else 0.0,
        )

    def _referral_asks(self, hit: Hit) -> frozenset[str]:
        """What an uncovered phrasing asks for; known once asked."""
        key = (int(hit.key), hit.index)
        if key not in self._referral_kinds:
            self._referral_kinds[key] = self._asks(self.referrals[key[0]].phrasings[key[1]])
        return self._referral_kinds[key]

    def _coverage(self, rarity: dict[str, float], passage: Passage) -> float:
        """Share of the question's content, weighted by rarity, that the passage's words hold."""
        if not rarity:
            return 0.0
        if passage.id not in self._held:
            self._held[passage.id] = frozenset(tokens(searchable(passage)))
        held = self._held[passage.id]
        return sum(weight for token, weight in rarity.items() if token in held) / (sum(rarity.values()) or 1.0)

    def _rarity(self, token: str) -> float:
        return float(np.log(1 + len(self._passages) / (1 + self._document_frequency.get(token, 0))))

    def _may_answer(self, passage: Passage, question: Question, day: date) -> bool:
        return (
            passage.kind != "article"  # its sentences stand for it
            and passage.field != "department"  # answered from structure
            and not passage.gives_orders
            and (passage.kind != "about" or bool(_DOCUMENT.search(question.text)))
            and passage.valid_on(day)
            and (question.asks_sample or not passage.sample)  # invented data answers nobody who didn't ask for it
        )

    def _cosines(self, vector: Vectors, passages: list[Passage], known: dict[str, float]) -> dict[str, float]:
        """Cosines of passages and of their articles; what was not among the nearest is looked up."""
        ids = {p.id for p in passages} | {p.parent for p in passages if p.parent}
        missing = [f"text|{id_}|0" for id_ in ids if id_ not in known]
        found = {key.split("|")[1]: float(v @ vector) for key, v in self._dense.vectors(missing).items()}
        return {**known, **found}


def _frequencies(passages: Iterable[Passage]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for passage in passages:
        for token in set(tokens(passage.text)):
            counts[token] += 1
    return dict(counts)
