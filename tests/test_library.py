"""The library: releases are swapped between turns, forth and back, and old ones are let go of."""

from __future__ import annotations

from pathlib import Path

from assistant.contracts import Question
from assistant.main import Library, artefacts
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from knowledge.release import publish, roll_back
from tests.small_world import DAY, small_corpus


def test_swapping_forth_and_back_many_times_always_answers(tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    config = Settings(_env_file=None, data_folder=tmp_path / "data", corpus_folder=tmp_path / "one")
    names = []
    for folder in ("one", "two"):
        corpus = small_corpus(tmp_path / folder)
        if folder == "two":
            corpus = corpus.model_copy(update={"digest": "another", "synonyms": (("老年助餐", "吃饭"),)})
        release, new = publish(corpus, artefacts(config, embedder), config.data_folder)
        assert new
        names.append(release.name)
    library = Library(config, embedder)
    question = Question(text="老年助餐点达到多少个", resolved="老年助餐点达到多少个")
    for name in (*names, *names, *names):
        if library.knowledge().release != name:
            roll_back(config.data_folder, name)
        before = library.knowledge()
        assert before.release == name
        assert before.retriever.search(question, DAY).candidates
