"""Listen to turns: counters for Prometheus and one structured log line each; never a question's text."""

from __future__ import annotations

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from assistant.contracts import Answer

BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0, 20.0)  # seconds


class TurnObserver:
    """Counts answers and their latency. One per process and registry: names may exist only once."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._answers = Counter(
            "jiamenkou_answers",
            "Answers given, by engine, language, and whether refused or an emergency.",
            ("engine", "language", "refused", "emergency"),
            registry=registry,
        )
        self._latency = Histogram(
            "jiamenkou_answer_seconds",
            "Time from question to finished answer.",
            ("engine",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "jiamenkou_stage_seconds",
            "Time that each stage of a turn took.",
            ("stage",),
            buckets=BUCKETS,
            registry=registry,
        )
        self._ratings = Counter("jiamenkou_ratings", "Thumbs given by residents.", ("good",), registry=registry)
        self._calls = Counter(
            "jiamenkou_calls", "Calls of residents to a person, by what happened.", ("outcome",), registry=registry
        )
        self._log = structlog.get_logger("turn")

    def turn_finished(self, question: str, answer: Answer) -> None:
        """Count one finished turn. ``question`` is measured (its length), never written down."""
        self._answers.labels(
            answer.engine, answer.language.value, str(answer.refused).lower(), str(answer.emergency).lower()
        ).inc()
        stages = {name: value for name, value in answer.timings.items() if name != "total"}
        total = answer.timings.get("total", sum(stages.values()))
        self._latency.labels(answer.engine).observe(total / 1000)
        for name, milliseconds in stages.items():
            self._stages.labels(name).observe(milliseconds / 1000)
        self._log.info(
            "answered",
            engine=answer.engine,
            reason=answer.reason,
            language=answer.language.value,
            refused=answer.refused,
            emergency=answer.emergency,
            citations=[citation.passage_id for citation in answer.citations],
            question_characters=len(question),
            milliseconds=round(total, 1),
        )

    def called(self, outcome: str) -> None:
        """Count one step of a call to a person: opened, taken, or how it ended. Nobody's words."""
        self._calls.labels(outcome).inc()
        self._log.info("call", outcome=outcome)

    def rated(self, good: bool) -> None:
        """Count one thumb."""
        self._ratings.labels(str(good).lower()).inc()
        self._log.info("rated", good=good)
