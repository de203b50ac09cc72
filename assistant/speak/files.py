"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from assistant.errors import SpeakError


def write_whole(path: Path, content: bytes) -> Path:
    """Put ``content`` at ``path``; another process sees all of it or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except OSError as problem:
        raise SpeakError(f"{path} can't be written ({problem}).", "Let the folder be writable.") from problem
    return path
