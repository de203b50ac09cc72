"""Change sets: the way from draft to published, no lost update, and every text that both sides need."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.errors import ConflictError, KnowledgeError
from knowledge.applying import applied, text_of
from knowledge.changes import Changes
from knowledge.content import Content

CARDS = """# kept: a word to colleagues
id: services
title: 服务
cards:
  - id: "110"
    name: 报警
    what: 报警求助
    phone: "110"   # kept, too
    owner: 市
    source: 告示

  - id: canteen
    name: 食堂
    what: 供应午餐
    steps:
      - 选餐
      - 付钱
    owner: 街道
    source: 告示
"""


@pytest.fixture
def published() -> dict[tuple[str, str], str]:
    return {("a.md", ""): "old\n"}


@pytest.fixture
def changes(tmp_path: Path, published: dict[tuple[str, str], str]) -> Changes:
    return Changes(tmp_path, lambda path, card: published.get((path, card)), four_eyes=True)


def test_the_way_from_draft_to_published(changes: Changes) -> None:
    id_ = changes.create("wang", " 改一改 ").id
    with pytest.raises(KnowledgeError, match="nothing in this change set"):
        changes.submit(id_, "wang")
    changes.put(id_, "wang", "a.md", "new\n", "old\n")
    changes.put(id_, "li", "b.md", "another\n", None)
    with pytest.raises(KnowledgeError, match="is draft"):
        changes.approve(id_, "zhao")
    changes.submit(id_, "wang")
    with pytest.raises(KnowledgeError, match="is in review"):
        changes.put(id_, "wang", "a.md", "newer\n", "old\n", seen=1)
    for author in ("wang", "li"):  # either wrote in it
        with pytest.raises(KnowledgeError, match="doesn't approve it"):
            changes.approve(id_, author)
    with pytest.raises(KnowledgeError, match="needs a comment"):
        changes.give_back(id_, "zhao", " ")
    returned = changes.give_back(id_, "zhao", "再写清楚些")
    assert (returned.state, returned.events[-1].comment) == ("returned", "再写清楚些")
    changes.put(id_, "wang", "a.md", "newer\n", "old\n", seen=1)
    changes.submit(id_, "wang")
    changes.approve(id_, "zhao", comment="好")
    later = datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.raises(KnowledgeError, match="no time zone"):
        changes.schedule(id_, "zhao", datetime(2030, 1, 1))
    changes.schedule(id_, "zhao", later)
    assert changes.due(later - timedelta(seconds=1)) == []
    assert [change.id for change in changes.due(later)] == [id_]
    done = changes.published(id_, "zhao", "r1")
    assert (done.state, done.release, done.title) == ("published", "r1", "改一改")
    assert changes.published(id_, "zhao", "r2").release == "r1"
    assert [event.what for event in done.events] == [
        *("created", "submitted", "returned", "submitted", "approved", "scheduled", "published")
    ]
    with pytest.raises(KnowledgeError, match="is published"):
        changes.withdraw(id_, "wang")
    assert changes.all("draft") == []
    assert {item.path: item.authors for item in done.items} == {"a.md": ("wang",), "b.md": ("li",)}


def test_nobody_overwrites_what_they_have_not_seen(changes: Changes, published: dict[tuple[str, str], str]) -> None:
    id_ = changes.create("wang", "t").id
    changes.put(id_, "wang", "a.md", "mine\n", "old\n")
    with pytest.raises(ConflictError, match="by wang") as caught:
        changes.put(id_, "li", "a.md", "theirs\n", "old\n")  # li never saw wang's
    assert (caught.value.mine, caught.value.theirs, caught.value.base) == ("theirs\n", "mine\n", "old\n")
    changes.put(id_, "li", "a.md", "both\n", "old\n", seen=1)
    published["a.md", ""] = "published meanwhile\n"
    with pytest.raises(ConflictError, match="was published after") as caught:
        changes.put(id_, "li", "a.md", "again\n", "old\n", seen=2)
    assert (caught.value.mine, caught.value.theirs) == ("again\n", "published meanwhile\n")
    changes.put(id_, "li", "a.md", "again\n", "published meanwhile\n", seen=2)
    version = changes.get(id_).version
    changes.put(id_, "wang", "c.md", "c\n", None)
    with pytest.raises(ConflictError, match="changed by wang"):
        changes.submit(id_, "li", seen=version)


def test_many_writers_lose_nothing(changes: Changes) -> None:
    """Twenty people write one counter as they see it: every save that was not refused counts."""
    id_ = changes.create("0", "t").id
    changes.put(id_, "0", "count.md", "0", None)
    saved: list[str] = []

    def write(who: str) -> None:
        for _ in range(10):
            item = changes.get(id_).items[0]
            try:
                changes.put(id_, who, "count.md", str(int(item.text or "0") + 1), None, seen=item.version)
                saved.append(who)
            except ConflictError:
                continue

    threads = [threading.Thread(target=write, args=(str(n),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(saved) > 20
    assert changes.get(id_).items[0].text == str(len(saved))


@pytest.mark.parametrize(
    "name", ["../a.md", "/etc/passwd", "a//b.md", ".hidden", "a/../b", "a\\b.md", "", "c:\\x", "x" * 300]
)
def test_names_stay_below_the_content(changes: Changes, name: str) -> None:
    id_ = changes.create("wang", "t").id
    with pytest.raises(KnowledgeError, match="no name of a content file"):
        changes.put(id_, "wang", name, "x", None)


def test_two_write_different_cards_of_one_file(tmp_path: Path) -> None:
    content = Content(tmp_path)
    files = {"cards/s.yaml": content.put(CARDS.encode())}
    changes = Changes(tmp_path, lambda path, card: text_of(content, files, path, card))
    police, canteen = (text_of(content, files, "cards/s.yaml", card) for card in ("110", "canteen"))
    assert police is not None
    assert canteen is not None
    assert canteen.startswith("id: canteen\nname: 食堂\n")
    first, second = changes.create("wang", "一"), changes.create("li", "二")
    changes.put(first.id, "wang", "cards/s.yaml", police.replace("报警求助", "报警和求助"), police, "110")
    changes.put(second.id, "li", "cards/s.yaml", canteen.replace("午餐", "晚餐"), canteen, "canteen")
    changes.put(
        second.id,
        "li",
        "cards/s.yaml",
        "id: barber\nname: 理发\nwhat: 免费理发\nowner: 街道\nsource: 告示\n",
        None,
        "barber",
    )
    both = applied(content, applied(content, files, changes.get(first.id)), changes.get(second.id))
    expected = CARDS.replace("报警求助", "报警和求助").replace("午餐", "晚餐")
    expected += "  - id: barber\n    name: 理发\n    what: 免费理发\n    owner: 街道\n    source: 告示\n"
    assert content.text(both["cards/s.yaml"]) == expected
    third = changes.create("li", "三")
    changes.put(third.id, "li", "cards/s.yaml", None, canteen, "canteen")
    with pytest.raises(ConflictError) as caught:
        applied(content, both, changes.get(third.id))
    assert "晚餐" in caught.value.theirs
    without = applied(content, files, changes.get(third.id))
    assert content.text(without["cards/s.yaml"]) == CARDS[: CARDS.index("\n  - id: canteen")] + "\n"
    assert applied(content, both, changes.get(first.id)) == both  # it says so already


def test_a_card_stays_itself(tmp_path: Path) -> None:
    content = Content(tmp_path)
    files = {"cards/s.yaml": content.put(CARDS.encode())}
    changes = Changes(tmp_path, lambda path, card: text_of(content, files, path, card))
    police = text_of(content, files, "cards/s.yaml", "110")
    for text in ("id: other\nname: 名\n", "nonsense", "- a\n- b\n"):
        change = changes.create("wang", "t")
        changes.put(change.id, "wang", "cards/s.yaml", text, police, "110")
        with pytest.raises(KnowledgeError, match=r"no card of that id|broken YAML"):
            applied(content, files, changes.get(change.id))


def test_what_was_rolled_back_is_taken_up_again(changes: Changes, published: dict[tuple[str, str], str]) -> None:
    id_ = changes.create("wang", "t").id
    changes.put(id_, "wang", "a.md", "new\n", "old\n")
    changes.submit(id_, "wang")
    changes.approve(id_, "zhao")
    changes.published(id_, "zhao", "r1")
    published["a.md", ""] = "older\n"
    copy = changes.copy(id_, "li")
    assert (copy.state, copy.title, copy.items[0].base, copy.items[0].text) == ("draft", "t", "older\n", "new\n")


def test_a_store_of_another_process_is_read(changes: Changes, tmp_path: Path) -> None:
    changes.create("wang", "t")
    assert [change.title for change in Changes(tmp_path, lambda *_: None).all()] == ["t"]
    assert sqlite3.connect(changes.path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
