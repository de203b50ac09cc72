"""The composition root: builds every part once and joins them; nothing else may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from assistant.answer.refuse import Refusals
from assistant.answer.structure import Structure
from assistant.answer.suggest import Suggestions
from assistant.answer.verified import Verifier
from assistant.contracts import Artefact, Embedder, FactKind, Language, LanguageModel, Observer, Passage
from assistant.errors import JiamenkouError, KnowledgeError, RetrieveError
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
from knowledge.departments import aliases, english_names
from knowledge.load import load_corpus
from knowledge.release import Release, current, publish

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
    from assistant.answer.llm import LocalLanguageModel, ServerLanguageModel

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
    settings: Settings, embedder: Embedder, progress: Callable[[int, int], None] = lambda done, all_: None
) -> Sequence[Artefact]:
    """The parts that a release is built of."""
    return (
        LexicalArtefact(),
        DenseArtefact(embedder, settings.data_folder / "vectors", settings.chroma_url, progress),
    )


def publish_corpus(
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, all_: None,
) -> tuple[Release, bool]:
    """Load and check the corpus, then build and swap in a release of it."""
    corpus = load_corpus(settings.corpus_folder, strict=True).corpus
    embedder = make_embedder(settings, threads=2)
    return publish(corpus, artefacts(settings, embedder, progress), settings.data_folder, say)


class Library:
    """Opens releases; a new one is swapped in between turns, the old stays open for turns in flight."""

    def __init__(self, settings: Settings, embedder: Embedder) -> None:
        self._settings, self.embedder = settings, embedder
        self._lock = threading.Lock()
        self._open: Knowledge | None = None
        self._before: Knowledge | None = None  # turns in flight may still use it
        self.knowledge()

    def knowledge(self) -> Knowledge:
        """The current release; opened when it is new."""
        pointer = self._settings.data_folder / "current"
        name = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else ""
        with self._lock:
            if self._open is None or self._open.release != name:
                release = current(self._settings.data_folder)
                if release is None:
                    if self._open is not None:
                        return self._open
                    raise KnowledgeError("Nothing has been published yet.", "Run `jiamenkou publish`.")
                try:
                    opened = self._read(release)
                except RetrieveError:
                    if self._open is None:
                        raise
                else:
                    # No turn lasts as long as two publishings.
                    if self._before is not None and isinstance(self._before.retriever, ReleaseSearch):
                        self._before.retriever.close()
                    self._before, self._open = self._open, opened
            return self._open

    def _read(self, release: Release) -> Knowledge:
        corpus = release.corpus()
        english = english_names(self._settings.corpus_folder)
        structure = Structure(corpus, english)
        refusals = Refusals(corpus.passages)
        passages = {p.id: p for p in corpus.passages}
        search = ReleaseSearch(
            corpus,
            DenseIndex(release.part("dense"), self._settings.chroma_url, self.embedder.name),
            LexicalIndex(release.part("lexical"), corpus.synonyms),
            self.embedder,
            asks,
        )
        return Knowledge(
            release=release.name,
            retriever=search,
            structure=structure,
            refusals=refusals,
            verifier=Verifier(passages, structure.departments, refusals, english),
            passages=passages,
            documents=corpus.documents,
            corpus=corpus,
            aliases=aliases(structure.departments, self._settings.corpus_folder),
            suggestions=_SUGGESTIONS,
            following=Suggestions(corpus.passages),
        )


def asks(text: str) -> frozenset[str]:
    """What a text asks for beyond its topic."""
    intent = understand(text, date.today().year)
    found = {kind.value for kind in intent.kinds if kind not in (FactKind.GENERAL, FactKind.QUANTITY)}
    return frozenset(found | {"year"} if intent.years else found) | ({"place"} if intent.places else set())


def articles(knowledge: Knowledge) -> list[tuple[Passage, list[str]]]:
    """Every article with its sentences: what prefixes are computed of."""
    found = []
    for passage in knowledge.passages.values():
        if passage.kind == "article":
            sentences = [s.text for s in knowledge.structure.sentences(passage.id)]
            if len(sentences) > 1:
                found.append((passage, sentences))
    return found


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
    )
    return assistant, library
