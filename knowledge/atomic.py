"""Whole files: a reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, data: bytes, durable: bool = True) -> None:
    """Write beside and rename; ``durable`` also waits until the disk has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
