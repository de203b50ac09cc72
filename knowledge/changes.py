"""Change sets: what staff want changed, from draft to published, kept crash-safe in one SQLite file.

A set holds items. An item is one file of the content, or one card in a file of cards, with its new text (None removes
it) and the text that its author began with. Nothing that answers is touched before a set is published.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from assistant.errors import ConflictError, KnowledgeError
from knowledge.content import safe_name

State = Literal["draft", "in_review", "returned", "approved", "scheduled", "published", "abandoned"]
LARGEST = 2 * 2**20  # characters of one item

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  created_at TEXT NOT NULL, created_by TEXT NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL,
  publish_at TEXT, release TEXT
);
CREATE TABLE IF NOT EXISTS items (
  change INTEGER NOT NULL REFERENCES changes(id), path TEXT NOT NULL, card TEXT NOT NULL, base TEXT, text TEXT,
  version INTEGER NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, authors TEXT NOT NULL,
  PRIMARY KEY (change, path, card)
);
CREATE TABLE IF NOT EXISTS events (
  change INTEGER NOT NULL REFERENCES changes(id), at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
  comment TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Item:
    """One file or card of a set."""

    path: str
    card: str  # id of a card in the file; empty for the file as a whole
    base: str | None  # the published text that the author began with; None when there was none
    text: str | None  # None removes it
    version: int
    changed_at: datetime
    changed_by: str
    authors: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """What happened to a set."""

    at: datetime
    who: str
    what: str
    comment: str = ""


@dataclass(frozen=True)
class ChangeSet:
    """One set with all that belongs to it."""

    id: int
    title: str
    state: State
    version: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    publish_at: datetime | None
    release: str
    items: tuple[Item, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def authors(self) -> tuple[str, ...]:
        """Everybody who wrote something in it."""
        return tuple(dict.fromkeys((self.created_by, *(who for item in self.items for who in item.authors))))


# (path, card) to the text that is published now; None when there is none.
Published = Callable[[str, str], str | None]


class Changes:
    """The change sets of one data folder; safe between threads and processes."""

    def __init__(
        self,
        data_folder: Path,
        published: Published,
        four_eyes: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``published`` tells what a file or card says now; with ``four_eyes`` no author approves."""
        data_folder.mkdir(parents=True, exist_ok=True)
        self.path = data_folder / "changes.db"
        self._published, self._four_eyes, self._clock = published, four_eyes, clock
        self._local = threading.local()
        with self._writing() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    # --- reading

    def get(self, id_: int) -> ChangeSet:
        """One set; raises KnowledgeError when there is none."""
        return self._get(self._open(), id_)

    def all(self, *states: State) -> list[ChangeSet]:
        """Sets in one of ``states`` (any, without), last changed first."""
        db = self._open()
        marks = ",".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        rows = db.execute(f"SELECT id FROM changes {where} ORDER BY changed_at DESC, id DESC", states)  # noqa: S608
        return [self._get(db, row["id"]) for row in rows.fetchall()]

    def due(self, now: datetime | None = None) -> list[ChangeSet]:
        """Scheduled sets whose time has come, the earliest first."""
        now = now or self._clock()
        found = [change for change in self.all("scheduled") if change.publish_at and change.publish_at <= now]
        return sorted(found, key=lambda change: (change.publish_at or now, change.id))

    # --- writing

    def create(self, who: str, title: str) -> ChangeSet:
        """A new empty draft."""
        if not title.strip():
            raise KnowledgeError("A change set needs a title.", "Say in a few words what it changes.")
        with self._writing() as db:
            now = _text(self._clock())
            cursor = db.execute(
                "INSERT INTO changes (title, state, version, created_at, created_by, changed_at, changed_by)"
                " VALUES (?, 'draft', 1, ?, ?, ?, ?)",
                (title.strip()[:200], now, who, now, who),
            )
            id_ = int(cursor.lastrowid or 0)
            self._event(db, id_, who, "created")
            return self._get(db, id_)

    def put(
        self, id_: int, who: str, path: str, text: str | None, base: str | None, card: str = "", seen: int = 0
    ) -> ChangeSet:
        """Write an item of a draft; ``text`` None removes the file or card.

        ``base`` is the published text that the author began with, ``seen`` the version of the item that they saw (0:
        it was not in the set). Raises ConflictError with both texts when somebody published or wrote meanwhile.
        """
        path = safe_name(path)
        if text is not None and len(text) > LARGEST:
            raise KnowledgeError(f"{path} has {len(text)} characters.", f"Split it: an item may have {LARGEST}.")
        now_published = self._published(path, card)
        with self._writing() as db:
            change = self._editable(db, id_)
            item = next((each for each in change.items if (each.path, each.card) == (path, card)), None)
            if (item.version if item else 0) != seen:
                theirs = item.text if item else now_published
                by = f"{item.changed_by} at {_text(item.changed_at)}" if item else "somebody, who took it out,"
                raise ConflictError(
                    f"{_name(path, card)} was changed in this set by {by} after you opened it. Nothing was saved.",
                    "Compare both texts and save again.",
                    mine=text or "",
                    theirs=theirs or "",
                    base=base or "",
                )
            if base != now_published:
                raise ConflictError(
                    f"Another text of {_name(path, card)} was published after you opened it. Nothing was saved.",
                    "Compare both texts and save again.",
                    mine=text or "",
                    theirs=now_published or "",
                    base=base or "",
                )
            if text is None and base is None:
                raise KnowledgeError(f"{_name(path, card)} is not published.", "Take it out of the set instead.")
            authors = list(dict.fromkeys((*(item.authors if item else ()), who)))
            db.execute(
                "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (id_, path, card, base, text, seen + 1, _text(self._clock()), who, json.dumps(authors)),
            )
            self._touch(db, id_, who)
            return self._get(db, id_)

    def take_out(self, id_: int, who: str, path: str, card: str = "") -> ChangeSet:
        """Take an item out of a draft."""
        with self._writing() as db:
            self._editable(db, id_)
            db.execute("DELETE FROM items WHERE change = ? AND path = ? AND card = ?", (id_, path, card))
            self._touch(db, id_, who)
            return self._get(db, id_)

    def submit(self, id_: int, who: str, seen: int | None = None, comment: str = "") -> ChangeSet:
        """Hand a draft in for review."""
        if not self.get(id_).items:
            raise KnowledgeError("There is nothing in this change set.", "Add a document or a card first.")
        return self._move(id_, who, ("draft", "returned"), "in_review", "submitted", seen, comment)

    def approve(self, id_: int, who: str, seen: int | None = None, comment: str = "") -> ChangeSet:
        """Approve a set that is in review; under four eyes nobody who wrote in it may."""
        if self._four_eyes and who in self.get(id_).authors:
            raise KnowledgeError("Whoever made a change doesn't approve it.", "Ask somebody else to look at it.")
        return self._move(id_, who, ("in_review",), "approved", "approved", seen, comment)

    def give_back(self, id_: int, who: str, comment: str, seen: int | None = None) -> ChangeSet:
        """Return a set to its authors with a word on why."""
        if not comment.strip():
            raise KnowledgeError("A returned change set needs a comment.", "Say what should be different.")
        return self._move(id_, who, ("in_review", "approved", "scheduled"), "returned", "returned", seen, comment)

    def withdraw(self, id_: int, who: str, seen: int | None = None) -> ChangeSet:
        """Make a set a draft again, to write in it."""
        return self._move(id_, who, ("in_review", "approved", "scheduled", "returned"), "draft", "withdrawn", seen)

    def abandon(self, id_: int, who: str, seen: int | None = None) -> ChangeSet:
        """Give a set up; it stays in the history."""
        states: tuple[State, ...] = ("draft", "in_review", "returned", "approved", "scheduled")
        return self._move(id_, who, states, "abandoned", "abandoned", seen)

    def schedule(self, id_: int, who: str, when: datetime, seen: int | None = None) -> ChangeSet:
        """Have an approved set published at ``when`` (with a time zone)."""
        if when.tzinfo is None:
            raise KnowledgeError("The time of publishing has no time zone.", "Give it one.")
        return self._move(id_, who, ("approved", "scheduled"), "scheduled", "scheduled", seen, _text(when), when)

    def published(self, id_: int, who: str, release: str) -> ChangeSet:
        """Note that a set has been published; a second time changes nothing."""
        if self.get(id_).state == "published":
            return self.get(id_)
        return self._move(id_, who, ("approved", "scheduled"), "published", "published", None, release, release=release)

    def copy(self, id_: int, who: str) -> ChangeSet:
        """A new draft with the same items on what is published now: to publish again what was rolled back."""
        old = self.get(id_)
        new = self.create(who, old.title)
        for item in old.items:
            base = self._published(item.path, item.card)
            if base != item.text:
                self.put(new.id, who, item.path, item.text, base, item.card)
        return self.get(new.id)

    # --- inside

    def _move(
        self,
        id_: int,
        who: str,
        allowed: Iterable[State],
        state: State,
        what: str,
        seen: int | None = None,
        comment: str = "",
        publish_at: datetime | None = None,
        release: str = "",
    ) -> ChangeSet:
        with self._writing() as db:
            change = self._get(db, id_)
            if seen is not None and change.version != seen:
                raise ConflictError(
                    f"“{change.title}” was changed by {change.changed_by} at {_text(change.changed_at)} after you "
                    "opened it. Nothing was done.",
                    "Look at it again.",
                )
            if change.state not in allowed:
                raise KnowledgeError(f"“{change.title}” is {change.state.replace('_', ' ')}.", _NEXT[change.state])
            db.execute(
                "UPDATE changes SET state = ?, publish_at = ?, release = ? WHERE id = ?",
                (state, _text(publish_at) if publish_at else None, release or None, id_),
            )
            self._touch(db, id_, who)
            self._event(db, id_, who, what, comment)
            return self._get(db, id_)

    def _editable(self, db: sqlite3.Connection, id_: int) -> ChangeSet:
        change = self._get(db, id_)
        if change.state not in ("draft", "returned"):
            raise KnowledgeError(f"“{change.title}” is {change.state.replace('_', ' ')}.", _NEXT[change.state])
        return change

    def _touch(self, db: sqlite3.Connection, id_: int, who: str) -> None:
        db.execute(
            "UPDATE changes SET version = version + 1, changed_at = ?, changed_by = ? WHERE id = ?",
            (_text(self._clock()), who, id_),
        )

    def _event(self, db: sqlite3.Connection, id_: int, who: str, what: str, comment: str = "") -> None:
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", (id_, _text(self._clock()), who, what, comment.strip()))

    def _get(self, db: sqlite3.Connection, id_: int) -> ChangeSet:
        row = db.execute("SELECT * FROM changes WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise KnowledgeError(f"There is no change set {id_}.", "It may be of another data folder.")
        items = db.execute("SELECT * FROM items WHERE change = ? ORDER BY path, card", (id_,)).fetchall()
        events = db.execute("SELECT * FROM events WHERE change = ? ORDER BY rowid", (id_,)).fetchall()
        return ChangeSet(
            id=row["id"],
            title=row["title"],
            state=row["state"],
            version=row["version"],
            created_at=_time(row["created_at"]),
            created_by=row["created_by"],
            changed_at=_time(row["changed_at"]),
            changed_by=row["changed_by"],
            publish_at=_time(row["publish_at"]) if row["publish_at"] else None,
            release=row["release"] or "",
            items=tuple(
                Item(
                    each["path"],
                    each["card"],
                    each["base"],
                    each["text"],
                    each["version"],
                    _time(each["changed_at"]),
                    each["changed_by"],
                    tuple(json.loads(each["authors"])),
                )
                for each in items
            ),
            events=tuple(Event(_time(e["at"]), e["who"], e["what"], e["comment"]) for e in events),
        )

    def _open(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA foreign_keys = ON")
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes beside."""
        db = self._open()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


_NEXT: dict[State, str] = {
    "draft": "Hand it in for review first.",
    "in_review": "Withdraw it to write in it, or wait for the review.",
    "returned": "Mend it and hand it in again.",
    "approved": "Withdraw it to write in it, or publish it.",
    "scheduled": "Withdraw it to write in it, or wait until its time.",
    "published": "Make a new one; it may begin as a copy.",
    "abandoned": "Make a new one; it may begin as a copy.",
}


def _name(path: str, card: str) -> str:
    return f"{path}, card {card}" if card else path


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
