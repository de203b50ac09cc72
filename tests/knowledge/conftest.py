"""The corpus as it is committed, loaded once."""

from pathlib import Path

import pytest

from knowledge.load import LoadResult, load_corpus

CORPUS = Path(__file__).parents[2] / "knowledge" / "corpus"
SOURCE = Path(__file__).parents[1] / "data" / "plan_source.txt"


@pytest.fixture(scope="session")
def loaded() -> LoadResult:
    return load_corpus(CORPUS)


@pytest.fixture(scope="session")
def plan(loaded: LoadResult) -> dict:
    """The plan's passages by the part of their id after #."""
    return {p.id.partition("#")[2]: p for p in loaded.corpus.passages if p.doc == "plan-2022-23"}
