"""Previews that wait for staff, one folder each; a preview is there whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import IntakeError
from knowledge.intake.values import Intake

_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Waiting:
    """A preview in the list: where it came from, and how much wants a look."""

    id: str
    name: str
    title: str
    origin: str  # upload, folder, git
    taken: str  # UTC, ISO 8601
    warnings: int
    contradictions: int
    personal: int


class Store:
    """Previews below ``folder``; nothing here is published."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, intake: Intake, origin: str) -> str:
        """Keep a preview; returns its id."""
        now = datetime.now(UTC)
        id_ = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._folder.mkdir(parents=True, exist_ok=True)
        half = self._folder / f".{id_}"
        half.mkdir(mode=0o700)
        try:
            (half / "preview.json").write_text(intake.model_dump_json(), encoding="utf-8")
            waiting = Waiting(
                id=id_,
                name=intake.name,
                title=intake.document.title,
                origin=origin,
                taken=now.isoformat(timespec="seconds"),
                warnings=sum(each.level != "note" for each in intake.notices),
                contradictions=len(intake.contradictions),
                personal=sum(each.certain for each in intake.personal),
            )
            (half / "about.json").write_text(json.dumps(waiting.__dict__, ensure_ascii=False), encoding="utf-8")
            os.replace(half, self._folder / id_)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise
        return id_

    def waiting(self) -> list[Waiting]:
        """All previews, newest first; a damaged one is left out."""
        out = []
        for folder in sorted(self._folder.glob("[0-9]*"), reverse=True):
            try:
                out.append(Waiting(**json.loads((folder / "about.json").read_text(encoding="utf-8"))))
            except (OSError, ValueError, TypeError):
                continue
        return out

    def load(self, id_: str) -> Intake:
        """A preview; raises IntakeError when there is none of this id."""
        try:
            return Intake.model_validate_json((self._place(id_) / "preview.json").read_bytes())
        except (OSError, ValueError) as error:
            raise self._missing() from error

    def discard(self, id_: str) -> None:
        """Forget a preview; raises IntakeError when there is none of this id."""
        place = self._place(id_)
        if not place.is_dir():
            raise self._missing()
        shutil.rmtree(place)

    def _place(self, id_: str) -> Path:
        if not _ID.fullmatch(id_):
            raise self._missing()
        return self._folder / id_

    @staticmethod
    def _missing() -> IntakeError:
        return IntakeError("没有找到这份预览，可能已经有人处理了。", "请回到列表看一看，或者重新上传。", code="missing")
