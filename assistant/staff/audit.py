"""The audit log: appended to, never changed; each line holds the hash of all before it."""

from __future__ import annotations

import csv
import getpass
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from assistant.staff.database import Database, moment, stamp
from assistant.staff.values import AuditEntry

HEADING = ("编号", "时间（UTC）", "谁", "操作", "对象", "之前", "之后", "校验值")  # of an export
START = "0" * 64  # what the first line's hash follows
AT_ONCE = 1_000  # lines that are in memory together
LONGEST = 2_000  # characters of one text; longer ones are named by length and hash
# What must never be kept: secrets, and what residents said.
FORBIDDEN = {"password", "token", "secret", "code", "cookie", "question", "words", "transcript", "utterance"}


@dataclass(frozen=True)
class AuditFilter:
    """Which lines are wanted; empty is all. ``since`` is included, ``until`` isn't."""

    who: str = ""
    action: str = ""  # the beginning of an action: "account" finds "account.add"
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None
    below: int = 0  # only lines with a smaller number; 0 is all


@dataclass(frozen=True)
class Verdict:
    """Whether the chain holds; ``broken_at`` is the first line that doesn't fit, ``head`` the last hash."""

    entries: int
    head: str
    broken_at: int | None = None
    why: str = ""


class AuditLog:
    """Who did what, when, and what it was before and after."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, who: str, action: str, target: str = "", before: Any = None, after: Any = None) -> AuditEntry:
        """Append one line; within a transaction of the database it stands or falls with it.

        Raises ValueError for what may never be kept here.
        """
        _refuse_secrets(before)
        _refuse_secrets(after)
        at = self._database.clock()
        texts = [json.dumps(_shortened(value), ensure_ascii=False, sort_keys=True) for value in (before, after)]
        with self._database.write() as connection:
            last = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
            number, previous = (last["number"] + 1, last["hash"]) if last else (1, START)
            fields = (number, stamp(at), who, action, target, *texts)
            chained = _chained(previous, fields)
            connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, chained))
        return AuditEntry(number, at, who, action, target, before, after, chained)

    def entries(self, wanted: AuditFilter = AuditFilter(), limit: int = -1, skip: int = 0) -> list[AuditEntry]:
        """The newest lines first."""
        where, values = _conditions(wanted)
        query = f"SELECT * FROM audit WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?"  # noqa: S608 - constants
        return [
            AuditEntry(
                row["number"], moment(row["at"]), row["who"], row["action"], row["target"],
                json.loads(row["before"]), json.loads(row["after"]), row["hash"],
            )
            for row in self._database.rows(query, *values, limit, skip)
        ]  # fmt: skip

    def count(self, wanted: AuditFilter = AuditFilter()) -> int:
        """How many lines there are."""
        where, values = _conditions(wanted)
        row = self._database.row(f"SELECT count(*) FROM audit WHERE {where}", *values)  # noqa: S608 - constants
        return int(row[0]) if row else 0

    def csv(self, wanted: AuditFilter = AuditFilter()) -> Iterator[str]:
        """All of it as CSV, the newest line first; what is written meanwhile isn't in it."""
        yield "\ufeff" + _csv_row(HEADING)  # the mark lets spreadsheets read Chinese
        while found := self.entries(wanted, AT_ONCE):
            yield from map(_csv_entry, found)
            wanted = replace(wanted, below=found[-1].number)

    def verify(self, head: str = "") -> Verdict:
        """Compute the whole chain again. ``head`` is a hash noted earlier (``NUMBER:HASH``) that must be in it."""
        number_noted, _, hash_noted = head.partition(":")
        previous, expected, found = START, 1, not head
        for row in self._lines():
            if row["number"] != expected:
                return Verdict(expected - 1, previous, expected, "a line is missing")
            fields = tuple(row[name] for name in ("number", "at", "who", "action", "target", "before", "after"))
            if row["hash"] != _chained(previous, fields):
                return Verdict(expected - 1, previous, expected, "a line was changed")
            if head and str(expected) == number_noted:
                if row["hash"] != hash_noted:
                    return Verdict(expected - 1, previous, expected, "it isn't the line that was noted")
                found = True
            previous = row["hash"]
            expected += 1
        given = self._database.row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
        if not found or (given is not None and given[0] >= expected):
            return Verdict(expected - 1, previous, expected, "the end is missing")
        return Verdict(expected - 1, previous)

    def _lines(self) -> Iterator[sqlite3.Row]:
        last = 0
        while found := self._database.rows(
            "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?", last, AT_ONCE
        ):
            yield from found
            last = found[-1]["number"]


def cli_actor() -> str:
    """How the log names whoever sits at the command line."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # a user id without a name
        return "cli:unknown"


def _csv_entry(entry: AuditEntry) -> str:
    """An entry as spreadsheets open it: as text, no cell is taken for a formula."""
    values = (entry.before, entry.after)
    texts = ["" if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    cells = (str(entry.number), entry.at.isoformat(), entry.who, entry.action, entry.target, *texts, entry.hash)
    return _csv_row(tuple(f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells))


def _csv_row(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _conditions(wanted: AuditFilter) -> tuple[str, list[object]]:
    conditions: list[str] = ["1"]
    values: list[object] = []
    for column, text in (("who", wanted.who), ("target", wanted.target)):
        if text:
            conditions.append(f"instr({column}, ?) > 0")
            values.append(text)
    if wanted.action:
        conditions.append("substr(action, 1, length(?)) = ?")
        values += [wanted.action, wanted.action]
    if wanted.since:
        conditions.append("at >= ?")
        values.append(stamp(wanted.since))
    if wanted.until:
        conditions.append("at < ?")
        values.append(stamp(wanted.until))
    if wanted.below:
        conditions.append("number < ?")
        values.append(wanted.below)
    return " AND ".join(conditions), values


def _chained(previous: str, fields: tuple[Any, ...]) -> str:
    line = json.dumps([previous, *fields], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(line.encode()).hexdigest()


def _refuse_secrets(value: Any) -> None:
    if isinstance(value, dict):
        if found := {str(key) for key in value if str(key).lower() in FORBIDDEN}:
            raise ValueError(f"The audit log must not hold {', '.join(sorted(found))}.")
        for part in value.values():
            _refuse_secrets(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_secrets(part)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return {"characters": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest(), "begins": value[:200]}
    if isinstance(value, dict):
        return {str(key): _shortened(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(part) for part in value]
    return value
