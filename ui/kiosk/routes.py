"""What the kiosk's scripts ask the server for: files, the card of an answer, other scripts, and the PIN."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.contracts import Conversation
from assistant.http.problems import Problem
from assistant.http.shapes import Session
from knowledge.atomic import write_whole
from ui.kiosk.card import card
from ui.kiosk.pin import PinPad
from ui.kiosk.script import pinyin, traditional

HERE = Path(__file__).resolve().parent
SCRIPTS: Final = (
    "kiosk", "attract", "keyboard", "lookup", "session", "staff", "person", "watchdog", "screen", "answer", "presence", "face",
)  # fmt: skip
FILES: Final = {"kiosk.css": "text/css", **{f"{name}.js": "text/javascript" for name in SCRIPTS}}
# Asked for again each time, which costs one short answer: after an update no old script is left.
CACHING: Final = "public, no-cache"
NO_ANSWER = ("这个回答已经不在了。", "请再问一次。")

Code = Literal["zh", "hant", "en"]
Text = Annotated[str, StringConstraints(max_length=2000)]


class CardOrder(BaseModel):
    """Which answer a card is wanted of."""

    model_config = ConfigDict(extra="forbid")

    session: Session
    turn_id: int
    language: Code = "zh"


class TextOrder(BaseModel):
    """Lines to show in other characters, or with pinyin above them."""

    model_config = ConfigDict(extra="forbid")

    texts: list[Text] = Field(max_length=20)
    traditional: bool = False
    pinyin: bool = False


class PinOrder(BaseModel):
    """One try of the staff PIN."""

    model_config = ConfigDict(extra="forbid")

    pin: str = Field(max_length=12)


class Table:
    """The keyboard's table, made once for each release: it takes seconds, so it is kept in ``folder``."""

    def __init__(self, make: Callable[[], bytes], release: Callable[[], str], folder: Path) -> None:
        self._make, self._release, self._folder = make, release, folder
        self._lock, self._made = threading.Lock(), ("", b"")

    def get(self) -> bytes:
        """The table of the current release as JSON."""
        with self._lock:
            release = self._release()
            if not self._made[1] or self._made[0] != release:
                self._made = release, self._kept(release) if release else self._make()
            return self._made[1]

    def _kept(self, release: str) -> bytes:
        file = self._folder / f"{release}.json"
        with suppress(OSError):
            return file.read_bytes()
        table = self._make()
        with suppress(OSError):  # a full disk costs the time of making it again, and no more
            for old in self._folder.glob("*"):
                old.unlink(missing_ok=True)
            write_whole(file, table, durable=False)
        return table


def add_routes(
    app: FastAPI, conversation: Conversation, pad: PinPad, english_names: Mapping[str, str], table: Table
) -> None:
    """Serve ``/ui/kiosk/NAME`` and ``/api/kiosk/…``."""

    @app.get("/ui/kiosk/pinyin.json", include_in_schema=False)
    async def letters(request: Request) -> Response:
        return send(request, await asyncio.to_thread(table.get), "application/json")

    @app.get("/ui/kiosk/{name}", include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        if name not in FILES:
            raise Problem(404, "没有这个文件。", "请回到首页。")
        return send(request, (HERE / ("" if name.endswith("css") else "js") / name).read_bytes(), FILES[name])

    @app.post("/api/kiosk/card")
    async def card_of(order: CardOrder) -> dict[str, Any]:
        """The card of the session's last answer, as HTML that is escaped already."""
        answer = conversation.answered(order.session, order.turn_id)
        if answer is None:
            raise Problem(404, *NO_ANSWER)
        return card(conversation, answer, order.language, english_names)

    @app.post("/api/kiosk/text")
    async def text(order: TextOrder) -> dict[str, Any]:
        """Lines in Traditional characters (as many as before), and the reading of each character."""
        return {
            "lines": [
                {
                    "text": traditional(line) if order.traditional else line,
                    "pinyin": pinyin(line) if order.pinyin else [],
                }
                for line in order.texts
            ]
        }

    @app.post("/api/kiosk/pin")
    async def pin(order: PinOrder) -> dict[str, Any]:
        """``right``, else ``left`` tries, or ``locked`` for so many seconds."""
        tried = await asyncio.to_thread(pad.enter, order.pin)
        return {"right": tried.right, "left": tried.left, "locked": round(tried.locked)}


def send(request: Request, content: bytes, media_type: str) -> Response:
    """``content`` with a tag, or a short answer when the browser has it already."""
    tag = f'"{sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": CACHING}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
