"""The real corpus, published with the real embedder, and a turn over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from assistant.answer.refuse import Refusals
from assistant.answer.structure import Structure
from assistant.answer.suggest import Suggestions
from assistant.answer.verified import Verifier
from assistant.contracts import Corpus, LanguageModel
from assistant.main import asks, make_embedder
from assistant.retrieve.dense import DenseArtefact, DenseIndex
from assistant.retrieve.lexical import LexicalArtefact, LexicalIndex
from assistant.retrieve.search import ReleaseSearch
from assistant.settings import Settings, settings
from assistant.turn import Assistant, Knowledge
from knowledge.departments import aliases, english_names
from knowledge.load import load_corpus
from knowledge.release import Release, current, publish

CORPUS = Path(__file__).parent.parent / "knowledge" / "corpus"
DAY = date(2026, 11, 24)


def parts(data: Path) -> tuple[LexicalArtefact, DenseArtefact]:
    """What a release is built of."""
    return LexicalArtefact(), DenseArtefact(make_embedder(settings(), threads=2), data / "vectors")


def opened(release: Release, corpus_folder: Path = CORPUS) -> Knowledge:
    """A release as a turn uses it."""
    corpus = release.corpus()
    english = english_names(corpus_folder)
    structure, refusals = Structure(corpus, english), Refusals(corpus.passages)
    passages = {p.id: p for p in corpus.passages}
    return Knowledge(
        release=release.name,
        retriever=ReleaseSearch(
            corpus,
            DenseIndex(release.part("dense")),
            LexicalIndex(release.part("lexical"), corpus.synonyms),
            make_embedder(settings()),
            asks,
        ),
        structure=structure,
        refusals=refusals,
        verifier=Verifier(passages, structure.departments, refusals, english),
        passages=passages,
        documents=corpus.documents,
        following=Suggestions(corpus.passages),
        aliases=aliases(structure.departments, corpus_folder),
    )


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return load_corpus(CORPUS, strict=True).corpus


@pytest.fixture(scope="session")
def published(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a data folder in which the real corpus is published."""
    data = tmp_path_factory.mktemp("data")
    publish(corpus, parts(data), data)
    return settings().model_copy(update={"data_folder": data})


@pytest.fixture(scope="session")
def knowledge(published: Settings) -> Knowledge:
    """The real corpus, as a turn uses it."""
    release = current(published.data_folder)
    assert release is not None
    return opened(release)


@pytest.fixture
def assistant(knowledge: Knowledge) -> Callable[..., Assistant]:
    """Makes an assistant over the real corpus, with any language model."""

    def make(model: LanguageModel | None = None, engine: str = "auto") -> Assistant:
        return Assistant(
            lambda: knowledge, model, engine=engine, today=lambda: DAY, select_timeout=0.5, write_timeout=0.5
        )

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright's loop stays in the thread, and asynchronous tests can't run after it."""
    items.sort(key=lambda item: "ui" in item.path.parts)
