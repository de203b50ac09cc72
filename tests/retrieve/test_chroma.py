"""Chroma in the place of exact comparison: the same is found, and nothing that may not be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from assistant.contracts import Question
from tests.publishing import NOTICE, library, publish, site
from tests.small_world import DAY, QUESTIONS


def test_a_segment_that_was_built_without_a_collection_gets_one(tmp_path: Path) -> None:
    publisher = site(tmp_path, vector_index="exact")
    publish(publisher, ("notice.md", NOTICE))
    publisher.settings = publisher.settings.model_copy(update={"vector_index": "chroma"})
    knowledge = library(publisher).knowledge()
    found = knowledge.retriever.search(Question(text="理发点有多少个？", resolved="理发点有多少个？"), DAY).candidates
    assert found[0].passage.id == "notice#1.1"
    assert found[0].dense > 0.2
    assert list(tmp_path.rglob("chroma.sqlite3"))


def test_both_ways_find_the_same(tmp_path: Path) -> None:
    found = []
    for index in ("exact", "auto"):
        publisher = site(tmp_path / index, vector_index=index)
        for number in (20, 30, 12):  # older versions stay in their segments
            publish(publisher, ("notice.md", NOTICE.replace("12个", f"{number}个")))
        publisher.tidy(every=True)
        publish(publisher, ("gone.md", NOTICE.replace("id: notice", "id: gone")))
        publish(publisher, ("gone.md", None))
        knowledge = library(publisher).knowledge()
        asked = [Question(text=text, resolved=text) for text in (*QUESTIONS, "理发点有多少个？")]
        for day in (DAY, date(2027, 1, 1)):
            evidence = [knowledge.retriever.search(question, day).candidates for question in asked]
            found.append([[(c.passage.id, c.passage.text, round(c.score, 4)) for c in each] for each in evidence])
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert any(id_ == "notice#1.1" for each in found[0] for id_, _, _ in each)
    assert not any(id_.startswith(("notice", "gone")) for each in found[1] for id_, _, _ in each)
