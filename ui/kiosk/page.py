"""The page at /kiosk: a Gradio page whose first screen is in the HTML already, so that it paints at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.contracts import Conversation, Language
from assistant.settings import Settings
from knowledge.departments import english_names
from ui.kiosk.pin import PinPad
from ui.kiosk.pinyin import pinyin_table
from ui.kiosk.routes import HERE, SCRIPTS, Table, add_routes
from ui.kiosk.script import traditional
from ui.kiosk.words import CODES, kiosk_topics, kiosk_words
from ui.theme import theme

PATHS = ("/kiosk", "/kiosk/")
SHARED = ("talk", "line", "player", "captions", "ask")  # modules of the chat that the kiosk uses too
_WORD = re.compile(r'(<[^<>]*data-word="(\w+)"[^<>]*>)')
_LABEL = re.compile(r'data-label="(\w+)"')
# Gradio runs this when its part of the page is there: the screen moves into Gradio's own element. An open
# dialog would be closed by the move, so that it waits; what has the focus keeps it.
ADOPT = """const own = document.getElementById("kiosk");
const adopt = () => {
  if (own.querySelector("dialog[open]")) return setTimeout(adopt, 500);
  const focused = document.activeElement;
  element.append(own);
  if (own.contains(focused)) focused.focus({ preventScroll: true });
};
adopt();"""


def blocks() -> gr.Blocks:
    """Gradio's part: one component of our own, whose template never changes."""
    with gr.Blocks(title="家门口 · 小沪", analytics_enabled=False, fill_width=True) as made:
        gr.HTML(
            "",
            html_template='<div class="stage"></div>',
            js_on_load=ADOPT,
            apply_default_css=False,
            elem_id="stage",
            container=False,
        )
    made.queue(api_open=False)
    return made


# A page whose scripts did not start is opened anew.
BOOT = (
    "setTimeout(() => { if (document.getElementById('kiosk')?.dataset.ready !== 'true') location.reload(); }, 20000);"
)


class Screens:
    """The first screen as HTML, in the language that the address asks for."""

    def __init__(self, conversation: Conversation, settings: Settings, pad: PinPad, instance: str) -> None:
        self._conversation, self._settings, self._pad, self._instance = conversation, settings, pad, instance
        self._template = (HERE / "kiosk.html").read_text(encoding="utf-8")

    def head(self) -> str:
        """What belongs in the page's head."""
        modules = [f"/ui/{name}.js" for name in SHARED] + [f"/ui/kiosk/{name}.js" for name in SCRIPTS]
        preload = "".join(f'<link rel="modulepreload" href="{name}">' for name in modules)
        config = json.dumps(self.config(), ensure_ascii=False).replace("<", "\\u003c")
        return (
            '<link rel="stylesheet" href="/api/document.css"><link rel="stylesheet" href="/ui/cards.css">'
            '<link rel="stylesheet" href="/ui/kiosk/kiosk.css">'
            f'<link rel="icon" href="/ui/portrait.svg" type="image/svg+xml">{preload}'
            f'<script type="application/json" id="kiosk-config">{config}</script>'
            f'<script>{BOOT}</script><script type="module" src="/ui/kiosk/kiosk.js"></script>'
        )

    def config(self) -> dict[str, Any]:
        """What the page's scripts need to know, before they ask for anything."""
        settings = self._settings
        chinese = list(self._conversation.suggestions(Language.CHINESE))
        return {
            "words": kiosk_words(),
            "topics": kiosk_topics(),
            "examples": {
                "zh": chinese,
                "hant": [traditional(text) for text in chinese],
                "en": list(self._conversation.suggestions(Language.ENGLISH)),
            },
            "codes": CODES,
            "instance": self._instance,
            "recording": settings.keep_recordings,
            "presence": settings.kiosk_presence,
            "pin": self._pad.enabled,
            "speed": settings.voice_speed,
            "idle_seconds": settings.kiosk_idle_seconds,
            "warning_seconds": settings.kiosk_warning_seconds,
            "session_seconds": settings.kiosk_session_minutes * 60,
        }

    def body(self, query: str) -> str:
        """The first screen; ``query`` is the address's."""
        code = parse_qs(query).get("lang", ["zh"])[0]
        code = code if code in CODES else "zh"
        word = {name: escape(text) for name, text in kiosk_words()[code].items()}
        html = _WORD.sub(lambda match: f"{match[1]}{word[match[2]]}", self._template)
        html = _LABEL.sub(lambda match: f'{match[0]} aria-label="{word[match[1]]}"', html)
        return html.replace('lang="zh-CN"', f'lang="{CODES[code]}"', 1)


class FirstScreen:
    """Middleware that puts the first screen into Gradio's page at ``/kiosk``."""

    def __init__(self, app: ASGIApp, screens: Screens) -> None:
        self.app, self.screens = app, screens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else on untouched."""
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            if start["status"] == 200 and Headers(raw=start["headers"]).get("content-type", "").startswith("text/html"):
                body = self._with_screen(body.decode(), scope["query_string"].decode("latin-1")).encode()
            kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            headers = [*kept, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        # Uncompressed, or there would be nothing to put a screen into.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "path": "/kiosk/", "raw_path": b"/kiosk/", "headers": plain}, receive, collect)

    def _with_screen(self, page: str, query: str) -> str:
        page = page.replace('<base href="./" />', '<base href="/kiosk/" />', 1)
        page = page.replace("<head>", f"<head>{self.screens.head()}", 1)
        return re.sub(r"<body[^>]*>", lambda match: f"{match[0]}{self.screens.body(query)}", page, count=1)


def mount_kiosk(
    app: FastAPI,
    conversation: Conversation,
    settings: Settings,
    instance: str = "",
    release: Callable[[], str] = lambda: "",
) -> Table:
    """Serve the kiosk's page and its routes on ``app``; call it before Gradio takes ``/``.

    ``instance`` changes with every start of the server, so that open pages notice it. Returns the pinyin keyboard's
    table, which takes seconds to make for a new ``release`` (its name): have it made while nobody waits.
    """
    pad = PinPad(
        settings.kiosk_pin_hash, settings.kiosk_pin_attempts, settings.kiosk_pin_lock_minutes * 60
    )  # fmt: skip
    table = Table(lambda: pinyin_table(conversation), release, settings.data_folder / "keyboard")
    add_routes(app, conversation, pad, english_names(settings.corpus_folder), table)
    app.add_middleware(FirstScreen, screens=Screens(conversation, settings, pad, instance))
    gr.mount_gradio_app(
        app,
        blocks(),
        path="/kiosk",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,  # nothing is uploaded here
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
    )
    return table
