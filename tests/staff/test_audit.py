"""The audit log: append-only, chained, without secrets, exported safely."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.staff.audit import AuditFilter, AuditLog
from assistant.staff.database import Database
from tests.staff.conftest import Hands


@pytest.fixture
def database(tmp_path: Path, hands: Hands) -> Database:
    return Database(tmp_path, hands)


@pytest.fixture
def audit(database: Database) -> AuditLog:
    log = AuditLog(database)
    for number in range(5):
        log.write(f"wang#{number % 2}", "card.edit", f"card:{number}", {"phone": "1"}, {"phone": str(number)})
    return log


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'li' WHERE number = 2",
        "DELETE FROM audit WHERE number = 5",
        "INSERT OR REPLACE INTO audit SELECT number, at, 'li', action, target, before, after, hash FROM audit",
        "DELETE FROM audit",
    ],
)
def test_lines_can_not_be_changed(database: Database, audit: AuditLog, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), database.write() as connection:
        connection.execute(statement)
    assert audit.verify().entries == 5


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE audit SET who = 'li' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00' WHERE number = 1", 1),
        ("UPDATE audit SET after = '{}' WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number >= 4", 4),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET number = 99 WHERE number = 5", 5),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 1) WHERE number = 4", 4),
    ],
)
def test_tampering_with_the_file_shows(database: Database, audit: AuditLog, statement: str, line: int) -> None:
    with sqlite3.connect(database.path) as file:  # whoever can write the file can drop the triggers
        for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            file.execute(f"DROP TRIGGER {trigger}")
        file.execute(statement)
    assert audit.verify().broken_at == line


def test_a_chain_computed_anew_does_not_hold_the_head_that_was_noted(
    tmp_path: Path, hands: Hands, audit: AuditLog
) -> None:
    noted = audit.verify()
    head = f"{noted.entries}:{noted.head}"
    audit.write("wang", "card.edit")
    assert audit.verify(head).broken_at is None
    forged = AuditLog(Database(tmp_path / "forged", hands))
    for number in range(6):
        forged.write("nobody", "card.edit", f"card:{number}")
    assert forged.verify().broken_at is None
    assert forged.verify(head).broken_at == 5
    assert forged.verify("9:aa").why == "the end is missing"


@pytest.mark.parametrize(
    "value",
    [{"password": "x"}, {"a": [{"Token": "x"}]}, {"question": "我家的事"}, [{"code": 1}]],
)
def test_secrets_and_residents_words_are_refused(audit: AuditLog, value: Any) -> None:
    for position in ("before", "after"):
        with pytest.raises(ValueError, match="must not hold"):
            audit.write("wang", "card.edit", **{position: value})
    assert audit.count() == 5


def test_a_line_falls_with_its_transaction(database: Database, audit: AuditLog) -> None:
    def fail() -> None:
        with database.write():
            audit.write("wang", "card.edit")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert audit.count() == 5
    audit.write("wang", "card.edit")
    assert audit.verify().broken_at is None


def test_long_texts_are_named_not_kept(audit: AuditLog) -> None:
    audit.write("wang", "card.edit", after={"text": "长" * 5000})
    after = audit.entries(limit=1)[0].after["text"]
    assert after["characters"] == 5000
    assert len(after["sha256"]) == 64
    assert len(json.dumps(after, ensure_ascii=False)) < 600


def test_filters(audit: AuditLog, hands: Hands) -> None:
    hands.on(days=1)
    audit.write("li", "card.delete", "card:9")
    assert [entry.who for entry in audit.entries(AuditFilter(who="li"))] == ["li"]
    assert audit.count(AuditFilter(action="card")) == 6
    assert audit.count(AuditFilter(action="card.edit")) == 5
    assert audit.count(AuditFilter(action="%")) == 0
    assert audit.count(AuditFilter(target="card:9")) == 1
    assert audit.count(AuditFilter(since=datetime(2026, 3, 3, tzinfo=UTC))) == 1
    assert audit.count(AuditFilter(until=datetime(2026, 3, 3, tzinfo=UTC))) == 5
    assert [entry.number for entry in audit.entries(AuditFilter(below=4), limit=2)] == [3, 2]
    assert audit.count(AuditFilter(who="' OR 1=1 --")) == 0


def test_no_cell_of_an_export_is_a_formula(audit: AuditLog) -> None:
    audit.write("=cmd|' /C calc'!A0", "+1", "@SUM(1)", {"a": "=1"}, "\t=2")
    rows = list(csv.reader(io.StringIO("".join(audit.csv()))))
    assert len(rows) == 7
    cells = rows[1]
    assert cells[2] == "'=cmd|' /C calc'!A0"
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_long_logs_are_read_in_parts(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.staff.audit.AT_ONCE", 2)
    assert audit.verify().entries == 5
    numbers = [row[0] for row in csv.reader(io.StringIO("".join(audit.csv())))][1:]
    assert numbers == ["5", "4", "3", "2", "1"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("甲乙ab"), inner, max_size=3),
    max_leaves=6,
)


@given(before=values, after=values)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_verifies(tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any) -> None:
    log = AuditLog(Database(tmp_path_factory.mktemp("audit")))
    log.write("wang", "card.edit", "card:1", before, after)
    assert log.verify().broken_at is None
    entry = log.entries()[0]
    assert (entry.before, entry.after) == (before, after)
