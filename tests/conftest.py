"""The real corpus, published with the real embedder, and a turn over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from assistant.contracts import Artefact, Corpus, LanguageModel
from assistant.main import artefacts, make_embedder, open_release
from assistant.settings import Settings, settings
from assistant.turn import Assistant, Knowledge
from knowledge.load import load_corpus
from knowledge.release import Release, current, publish

CORPUS = Path(__file__).parent.parent / "knowledge" / "corpus"
DAY = date(2026, 11, 24)


def parts(data: Path) -> Sequence[Artefact]:
    """What a release is built of."""
    config = settings().model_copy(update={"data_folder": data})
    return artefacts(config, make_embedder(config, threads=2))


def opened(release: Release) -> Knowledge:
    """A release as a turn uses it."""
    return open_release(release, settings(), make_embedder(settings()), DAY)


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
