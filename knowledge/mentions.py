"""Which documents each sidecar speaks of, remembered by the sidecar's digest, so that it need not be read again."""

from __future__ import annotations

import json
from pathlib import Path

from knowledge.atomic import write_whole


class Mentions(dict[str, list[str]]):
    """A table in <data>/content/mentions.json; a broken one only costs time."""

    def __init__(self, data_folder: Path) -> None:
        self._path = data_folder / "content" / "mentions.json"
        try:
            super().__init__(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            super().__init__()
        self._before = len(self)

    def save(self) -> None:
        """Write what was learnt."""
        if len(self) != self._before:
            write_whole(self._path, json.dumps(self, ensure_ascii=False).encode(), durable=False)
