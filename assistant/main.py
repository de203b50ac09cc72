"""The composition root: builds every part once and joins them; nothing else may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from assistant.answer.refuse import Refusals
from assistant.answer.structure import Structure
from assistant.answer.suggest import Suggestions
from assistant.answer.verified import Verifier
from assistant.contracts import Artefact, Embedder, FactKind, Language, LanguageModel, Observer, Passage
from assistant.errors import JiamenkouError, KnowledgeError
from assistant.retrieve.chroma import chroma, chroma_unless_large, no_collection
from assistant.retrieve.dense import DenseArtefact, DenseIndex
from assistant.retrieve.embedder import OnnxEmbedder, SentenceTransformerEmbedder
from assistant.retrieve.lexical import LexicalArtefact, LexicalIndex
from assistant.retrieve.search import ReleaseSearch
from assistant.sessions import Sessions
from assistant.settings import Settings
from assistant.speak import normalise
from assistant.turn import Assistant, Knowledge
from assistant.understand.intent import understand
from assistant.weights.store import WeightStore
from knowledge.departments import aliases
from knowledge.release import Release, current, releases
from knowledge.shelf import Shelf

PREFIXES = 500  # articles of one release whose prefixes are computed
# What a resident may ask first: offered before anything was asked.
_SUGGESTIONS = {
    Language.CHINESE: ("老房子能加装电梯吗？", "养老床位有多少张？", "托班名额有目标吗？", "医保的事打哪个电话？"),
    Language.ENGLISH: (
        "Can a lift be added to an old building?",
        "How many beds for the elderly are planned?",
        "Which number do I ring about medical insurance?",
    ),
}


def weight_store(settings: Settings) -> WeightStore:
    """Where model files are."""
    return WeightStore(settings.weights_folder, settings.weights_sources)


def make_embedder(settings: Settings, threads: int = 1) -> Embedder:
    """The embedder that settings name: a manifest's name, a folder, or a model of a hub."""
    folder = Path(settings.embedder)
    if not folder.is_dir():
        try:
            folder = weight_store(settings).path(settings.embedder)
        except KeyError:
            return SentenceTransformerEmbedder(settings.embedder, settings.embedder)
    if settings.embedder_backend == "sentence-transformers" or not (folder / "model_int8.onnx").exists():
        return SentenceTransformerEmbedder(folder, settings.embedder)
    return OnnxEmbedder(folder, settings.embedder, threads)


def make_model(settings: Settings) -> LanguageModel | None:
    """The language model that settings name, loading in the background; None for extractive answers only."""
    if settings.llm == "none":
        return None
    from assistant.answer.llm import LocalLanguageModel
    from assistant.answer.llm_server import ServerLanguageModel

    if settings.llm == "server":
        return ServerLanguageModel(
            settings.llm_base_url,
            settings.llm_model,
            settings.llm_api_key,
            settings.llm_writes,
            settings.prompts_folder,
        )
    return LocalLanguageModel(
        weight_store(settings).path(settings.llm_model),
        settings.data_folder / "prefixes",
        settings.prompts_folder,
        threads=settings.llm_threads,
        name=settings.llm_model,
        writes=settings.llm_writes,
    )


def model_or_none(settings: Settings, say: Callable[[str], None]) -> LanguageModel | None:
    """The language model, or None with a word on why; answers are extractive then."""
    try:
        return make_model(settings)
    except JiamenkouError as error:
        say(f"No language model: {error} Answers are extractive.")
        return None


def forgetter(model: LanguageModel | None) -> Callable[[str], None]:
    """What engines keep of words that went through them lately is dropped with each session that is erased."""
    from assistant.answer.llm import LocalLanguageModel

    running: set[asyncio.Task[None]] = set()

    def forget(session: str) -> None:
        normalise.forget()
        if isinstance(model, LocalLanguageModel):
            task = asyncio.get_running_loop().create_task(model.forget())
            running.add(task)
            task.add_done_callback(running.discard)

    return forget


async def wait_until_ready(model: LanguageModel, seconds: float) -> None:
    """Return when ``model`` has loaded, or after ``seconds``."""
    for _ in range(int(seconds * 10)):
        if await model.ready():
            return
        await asyncio.sleep(0.1)


def artefacts(
    settings: Settings,
    embedder: Embedder,
    progress: Callable[[int, int], None] = lambda done, all_: None,
    reuse: bool = True,
) -> Sequence[Artefact]:
    """The parts that a release is built of; with ``reuse`` no text is embedded that has a vector already."""
    known = settings.data_folder / "segments" if reuse else None
    return (LexicalArtefact(), DenseArtefact(embedder, known, progress, _collection(settings)))


def _collection(settings: Settings) -> Any:
    if settings.chroma_url or settings.vector_index == "chroma":
        return chroma(settings.chroma_url)
    return no_collection if settings.vector_index == "exact" else chroma_unless_large


def open_release(release: Release, settings: Settings, embedder: Embedder, day: date) -> Knowledge:
    """A release as a turn uses it on ``day``; what the process has open already is not opened again."""
    shelf = release.shelf()
    live = shelf.live()
    referrals = release.referrals()
    lexical = LexicalIndex([s.part("lexical") for s in shelf.segments], live, shelf.synonyms)
    dense = DenseIndex(
        [s.part("dense") for s in shelf.segments],
        live,
        referrals.part("dense") if referrals else None,
        embedder.name,
        _collection(settings),
    )
    search = ReleaseSearch(shelf.segments, len(shelf), dense, lexical, embedder, asks, shelf.referrals, shelf.synonyms)
    return on_day(Knowledge(release.name, search, shelf=shelf), day)


def on_day(knowledge: Knowledge, day: date) -> Knowledge:
    """The same release as far as it may be used on ``day``."""
    shelf = knowledge.shelf.on(day) if isinstance(knowledge.shelf, Shelf) else None
    if shelf is None:
        return knowledge
    structure, refusals = Structure(shelf, shelf.words.department_english), Refusals(shelf)
    return replace(
        knowledge,
        structure=structure,
        refusals=refusals,
        verifier=Verifier(shelf, structure.departments, refusals, shelf.words.department_english),
        passages=shelf,
        documents=shelf.documents,
        corpus=shelf.words,
        aliases=aliases(structure.departments, shelf.words.department_names),
        suggestions=_SUGGESTIONS,
        following=Suggestions(shelf),
    )


class Library:
    """Opens releases; a new one is swapped in between turns, the old stays open for turns in flight."""

    def __init__(self, settings: Settings, embedder: Embedder, today: Callable[[], date] | None = None) -> None:
        self._settings, self.embedder = settings, embedder
        self.today = today or settings.today
        self._lock = threading.Lock()
        self._open: Knowledge | None = None
        self._day = date.min
        self.knowledge()

    def knowledge(self) -> Knowledge:
        """The current release as far as it may be used today; opened when it is new, or a new day has begun."""
        pointer = self._settings.data_folder / "current"
        name = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else ""
        day = self.today()
        with self._lock:
            if self._open is None or self._open.release != name:
                release = current(self._settings.data_folder)
                if release is None:
                    if self._open is None:
                        raise KnowledgeError("Nothing has been published yet.", "Run `jiamenkou publish`.")
                else:
                    self._swap(release, day)
            if self._open is not None and self._day != day:
                self._open, self._day = on_day(self._open, day), day
            assert self._open is not None  # noqa: S101
            return self._open

    def _swap(self, release: Release, day: date) -> None:
        try:
            try:
                opened = open_release(release, self._settings, self.embedder, day)
            except (JiamenkouError, OSError):  # its segments may have been merged while they were opened
                opened = open_release(release, self._settings, self.embedder, day)
        except (JiamenkouError, OSError):
            if self._open is None:
                raise
        else:
            # Turns in flight hold the old release, and with it its files, until they end.
            self._open, self._day = opened, day


def asks(text: str) -> frozenset[str]:
    """What a text asks for beyond its topic."""
    intent = understand(text, date.today().year)
    found = {kind.value for kind in intent.kinds if kind not in (FactKind.GENERAL, FactKind.QUANTITY)}
    return frozenset(found | {"year"} if intent.years else found) | ({"place"} if intent.places else set())


def _articles(passages: Iterable[Passage], structure: Structure) -> list[tuple[Passage, list[str]]]:
    # Of a huge release the first ones: each takes seconds to compute and some 100 KB to keep.
    found = []
    for passage in passages:
        if passage.kind == "article":
            sentences = [s.text for s in structure.sentences(passage.id)]
            if len(sentences) > 1:
                found.append((passage, sentences))
                if len(found) == PREFIXES:
                    break
    return found


def articles(knowledge: Knowledge) -> list[tuple[Passage, list[str]]]:
    """Articles of an open release with their sentences: what prefixes are computed of."""
    return _articles(knowledge.passages.values(), knowledge.structure)


def kept_articles(settings: Settings) -> list[tuple[Passage, list[str]]]:
    """Those of every release that may be rolled back to."""
    shelves = [release.shelf() for release in releases(settings.data_folder)]
    return [found for shelf in shelves for found in _articles(shelf.values(), Structure(shelf))]


def build(
    settings: Settings,
    model: LanguageModel | None = None,
    observers: Sequence[Observer] = (),
    engine: str = "auto",
) -> tuple[Assistant, Library]:
    """An assistant on the current release."""
    library = Library(settings, make_embedder(settings))
    sessions = Sessions(settings.sessions, settings.session_minutes, settings.memory_turns)
    assistant = Assistant(
        library.knowledge,
        model,
        sessions,
        observers,
        question_limit=settings.question_limit,
        select_timeout=settings.llm_timeout,
        write_timeout=settings.llm_write_timeout,
        engine=engine,
        today=settings.today,
    )
    return assistant, library
