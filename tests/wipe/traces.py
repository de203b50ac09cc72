"""Looks for words in everything that a process may have left: files, databases, open files, its memory."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

PIECE = 1 << 24  # bytes looked at in one go


def forms(word: str) -> list[bytes]:
    """``word`` as programs write it down."""
    escaped = json.dumps(word)[1:-1]
    found = [word.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030")]
    found += [escaped.encode(), escaped.upper().replace("\\U", "\\u").encode()]
    found += [quote(word).encode(), quote(word).lower().encode()]
    plain = word.encode()
    # Base64 at each of its three alignments, without the ends that depend on what stands beside.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        found.append(encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4])
    return found


def in_bytes(wanted: Iterable[bytes], content: bytes) -> set[bytes]:
    """The forms that ``content`` holds, each with what follows it."""
    found = set()
    for form in wanted:
        place = content.find(form)
        while place >= 0:
            found.add(content[place : place + len(form) + 16])
            place = content.find(form, place + 1)
    return found


def in_files(wanted: Iterable[bytes], folders: Iterable[Path]) -> dict[str, set[bytes]]:
    """Files below ``folders`` that hold any of it, names included."""
    found: dict[str, set[bytes]] = {}
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            hits = in_bytes(wanted, str(path).encode())
            if path.is_file():
                hits |= in_bytes(wanted, path.read_bytes())
            if hits:
                found[str(path)] = hits
    return found


def in_tables(wanted: Iterable[bytes], folders: Iterable[Path]) -> dict[str, set[bytes]]:
    """Tables of SQLite databases below ``folders`` whose rows hold any of it."""
    found: dict[str, set[bytes]] = {}
    looked = 0
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                with suppress(sqlite3.OperationalError):  # a table of an extension that isn't loaded
                    looked += 1
                    for row in database.execute(f'SELECT * FROM "{name}"'):
                        hits = in_bytes(wanted, repr(row).encode() + b"".join(v for v in row if isinstance(v, bytes)))
                        if hits:
                            found.setdefault(f"{path}:{name}", set()).update(hits)
    assert looked > 5, "the databases must be found at all"
    return found


def in_open_files(wanted: Iterable[bytes], process: int) -> dict[str, set[bytes]]:
    """Open files of a process, deleted ones included."""
    found: dict[str, set[bytes]] = {}
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            if link.is_file() and (hits := in_bytes(wanted, link.read_bytes())):
                found[str(link.readlink())] = hits
    return found


def in_memory(words: Iterable[str], process: int) -> Iterator[tuple[str, bytes]]:
    """Places in the writable memory of a process that begin one of ``words``: (what lies there, the bytes)."""
    wanted = [form for word in words for form in (word.encode(), word.encode("utf-16-le"), quote(word).encode())]
    for name, piece in _memory(process):
        for hit in in_bytes(wanted, piece):
            yield name, hit


def _memory(process: int) -> Iterator[tuple[str, bytes]]:
    lines = Path(f"/proc/{process}/maps").read_text(encoding="utf-8").splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in lines:
            place, rights, _, _, _, *name = line.split(maxsplit=5)
            if "rw" not in rights:
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            for position in range(start, end, PIECE):
                with suppress(OSError, ValueError, OverflowError):
                    memory.seek(position)
                    yield (name[0] if name else "unnamed", memory.read(min(PIECE, end - position)))
