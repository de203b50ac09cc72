"""What is said beforehand, while nobody speaks: the clauses that answers to known questions are made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from assistant.contracts import Language, TurnEvent
from assistant.dialogue.phrases import PHRASES
from assistant.dialogue.session import SAYS, UNHEARD, Engines
from assistant.dialogue.speaking import FILLERS
from assistant.handoff.words import spoken
from assistant.main import Library
from assistant.main_voice import Busy, make_prepared
from assistant.numerals import numeral
from assistant.settings import Settings
from assistant.speak.clauses import clauses
from assistant.speak.normalise import language_of
from assistant.turn import Assistant, Knowledge
from assistant.understand.emergencies import examples
from assistant.voice_contracts import HEARD_RATE

ASKED = 5000  # questions whose answers are prepared; of a huge release the first ones


async def spoken_clauses(assistant: Assistant, questions: Iterable[str]) -> list[str]:
    """Every clause that is said in answer to ``questions``, the most often said first."""
    counts: dict[str, int] = {}
    for text in questions:
        session = f"prepare-{time.monotonic_ns()}"
        async for event in assistant.ask(text, session):
            if isinstance(event, TurnEvent) and event.answer is not None:
                for clause in clauses(event.answer.text):
                    counts[clause] = counts.get(clause, 0) + 1
        assistant.erase(session)
        await asyncio.sleep(0)
    return sorted(counts, key=lambda clause: -counts[clause])


def known_questions(library: Library) -> list[str]:
    """Questions whose answers are prepared: greetings, dangers, what residents ask, and what can't be answered."""
    knowledge = library.knowledge()
    asked = ["你好", "谢谢", "再见", "你是谁", "你会做什么", "多少钱？", *examples()]
    asked += structure_questions(knowledge)
    asked += [q for p in knowledge.passages.values() if not p.sample for q in p.phrasings]
    asked += [q for referral in knowledge.corpus.referrals for q in referral.phrasings[:3]]
    return list(dict.fromkeys(asked))[:ASKED]


def structure_questions(knowledge: Knowledge) -> list[str]:
    """What is asked of the document itself: its articles, parts, targets, and who is responsible."""
    articles = [p for p in knowledge.passages.values() if p.kind == "article" and p.article]
    years = sorted({t.deadline_year for p in knowledge.passages.values() for t in p.targets if t.deadline_year})
    asked = ["一共多少条？", "分几个部分？", "文号是什么？", *(f"方案里{year}年的目标有哪些？" for year in years)]
    asked += [f"第{numeral(p.article or 0)}条讲的是什么？" for p in articles]
    asked += [
        f"第{numeral(n)}部分讲什么？" for n in range(1, max((d.chapters for d in knowledge.documents), default=0) + 1)
    ]
    asked += [f"{p.path[-1].split(')')[-1]}归哪个部门负责？" for p in articles if p.path]
    return asked + [f"{name}负责哪些条？" for name in sorted(knowledge.structure.departments)]


def own_words() -> tuple[str, ...]:
    """What the dialogue itself says."""
    texts: Sequence[str] = [
        *FILLERS.values(),
        *(said[language] for said in SAYS.values() for language in Language),
        *UNHEARD.values(),
        *(said[language] for said in PHRASES.values() for language in Language),
        *spoken(),
    ]
    return tuple(clause for text in texts for clause in clauses(text))


async def warm(engines: Engines) -> None:
    """Load what would otherwise be loaded when the first resident speaks."""
    silence = np.zeros(HEARD_RATE, np.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, HEARD_RATE).astype(np.float32)
    await asyncio.to_thread(engines.recogniser.transcribe, noise, "", True)
    if engines.detector is not None:
        await asyncio.to_thread(engines.detector.finished, silence)
    await asyncio.to_thread(engines.repair, "你好")
    if engines.voice is not None:
        await engines.voice.speak("您好。", 1.0)


async def prepare_speech(
    settings: Settings,
    library: Library,
    engines: Engines,
    busy: Busy,
    progress: Callable[[int, int], None] = lambda done, of: None,
    questions: Sequence[str] | None = None,
) -> int:
    """Synthesise every clause that answers to known ``questions`` are made of; returns how many were new."""
    if engines.voice is None:
        return 0
    store = make_prepared(settings, engines.voice, busy)
    assistant = Assistant(
        library.knowledge, engine="extractive", today=library.today
    )  # its own sessions: it leaves no trace
    said = await spoken_clauses(assistant, known_questions(library) if questions is None else questions)
    wanted = [*own_words(), *said]
    if settings.voice == "light":  # it speaks no English; another voice does when it is asked
        wanted = [clause for clause in wanted if language_of(clause) == "zh"]
    return await store.prepare(wanted, progress)
