"""One small published corpus for all tests of hand-over."""

from __future__ import annotations

import pytest

from assistant.turn import Knowledge
from tests.small_world import published, small_corpus


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("small")
    return published(small_corpus(folder / "corpus"), folder / "data")
