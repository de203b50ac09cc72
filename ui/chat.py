"""The resident's chat page: Gradio components of our own over one conversation."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
import structlog
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse

from assistant.contracts import Conversation, Language, TurnEvent
from assistant.errors import OverloadError
from assistant.http.app import client_address, new_session
from assistant.http.problems import OtherMethods
from assistant.http.stream import admitted
from ui import parts
from ui.avatar import add_avatar
from ui.facts import facts, service
from ui.render import Tab, Turn, composer_value, header_html, thread_html, voice_value
from ui.theme import theme
from ui.words import words

HERE = Path(__file__).resolve().parent
SCRIPT = "text/javascript"
ASSETS = {  # name: (file, media type)
    "style.css": ("style.css", "text/css"),
    "cards.css": ("cards.css", "text/css"),
    "portrait.svg": ("portrait.svg", "image/svg+xml"),
    **{
        f"{name}.js": (f"js/{name}.js", SCRIPT)
        for name in ("voice", "talk", "captions", "ask", "line", "player", "microphone")
    },
}
QUESTION_LIMIT = 2000  # characters of a heard question that are shown
REDRAW_SECONDS = 0.05  # pieces that come faster than this are drawn together
HEAD = (
    '<link rel="stylesheet" href="/api/document.css"><link rel="stylesheet" href="/ui/style.css">'
    '<link rel="stylesheet" href="/ui/cards.css">'
    '<link rel="icon" href="/ui/portrait.svg" type="image/svg+xml">'
)


class Chat:
    """What the page's events do. One for the process; each browser tab has a ``Tab`` of its own."""

    def __init__(self, conversation: Conversation, limiter: Any, turns: Any) -> None:
        self.conversation = conversation
        self.limiter = limiter
        self.turns = turns
        self.tabs: WeakValueDictionary[str, Tab] = WeakValueDictionary()  # by session, while the page is open
        conversation.on_erase(self.erased)

    def start(self, request: gr.Request) -> tuple[Tab, str, list[str], dict[str, Any], dict[str, Any]]:
        """A fresh tab, in the language that the address asks for (``?lang=en``)."""
        english = request.query_params.get("lang") == "en"
        tab = Tab(new_session(), Language.ENGLISH if english else Language.CHINESE)
        self.tabs[tab.session] = tab
        return (tab, *self._page(tab), voice_value(tab))

    async def ask(
        self, tab: Tab | None, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[tuple[list[str], dict[str, Any]]]:
        """Run one turn, drawing as it comes."""
        tab = tab or Tab(new_session())  # the server forgot this tab: answer without memory
        turn = Turn(str((event._data or {}).get("text", "")), tab.language)
        tab.turns.append(turn)
        yield self._draw(tab)
        if not self.limiter.allow(client_address(request)):
            turn.status, turn.text = "failed", words(turn.language).busy
            yield self._draw(tab)
            return
        drawn = time.monotonic()
        try:
            # A Chinese page answers in the language of the question, an English one in English.
            language = tab.language if tab.language is Language.ENGLISH else None
            asking: Any = self.conversation.ask(turn.question, tab.session, language)
            async for piece in admitted(asking, self.turns):
                self._apply(turn, piece)
                if piece.type == "text" and time.monotonic() - drawn < REDRAW_SECONDS:
                    continue
                drawn = time.monotonic()
                yield self._draw(tab)
                if turn not in tab.turns:
                    return  # cleared meanwhile; Gradio repeats what was drawn last, which now is empty
        except OverloadError:
            turn.status, turn.text = "failed", words(turn.language).overloaded
        except Exception as error:
            structlog.get_logger("ui").error("failed", kind=type(error).__name__, exc_info=error)
            turn.status, turn.text = "failed", words(turn.language).unexpected
        if turn.status in {"waiting", "streaming"}:
            turn.status, turn.text = "failed", words(turn.language).unexpected
        yield self._draw(tab)

    def stop(self, tab: Tab | None) -> None:
        """End the running turn; its own stream then draws the end."""
        if tab:
            self.conversation.cancel(tab.session)

    def voiced(self, tab: Tab | None, event: gr.EventData) -> list[str]:
        """Show a turn that was asked through the voice socket; its answer comes from the conversation."""
        tab = tab or Tab(new_session())
        data = event._data or {}
        turn_id, text = data.get("turn_id"), str(data.get("text", ""))[:QUESTION_LIMIT]
        answer = self.conversation.answered(tab.session, turn_id) if isinstance(turn_id, int) else None
        if answer is not None and all(turn.turn_id != turn_id for turn in tab.turns):
            turn = Turn(text, tab.language)
            self._apply(turn, TurnEvent(turn_id=turn_id, type="answer", answer=answer))
            tab.turns.append(turn)
        return self._draw(tab)[0]

    async def clear(self, tab: Tab | None) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        """Forget everything, and go on under a new session. Not in a thread: erasing ends what runs in the loop."""
        tab = tab or Tab(new_session())
        self.forget(tab)
        tab.turns.clear()
        tab.session, tab.cleared = new_session(), True
        self.tabs[tab.session] = tab
        return (*self._draw(tab), voice_value(tab))

    def forget(self, tab: Tab | None) -> None:
        """Erase a tab's session, also when the tab was closed."""
        if tab:
            self.conversation.cancel(tab.session)
            self.conversation.erase(tab.session)

    def erased(self, session: str) -> None:
        """The session was erased, here or elsewhere: its tab forgets what it showed."""
        if tab := self.tabs.get(session):
            tab.turns.clear()

    def language(self, tab: Tab | None, event: gr.EventData) -> tuple[str, list[str], dict[str, Any], dict[str, Any]]:
        """Show the page, and give the next answers, in another language."""
        tab = tab or Tab(new_session())
        english = (event._data or {}).get("language") == Language.ENGLISH.value
        tab.language = Language.ENGLISH if english else Language.CHINESE
        return (*self._page(tab), voice_value(tab))

    def rate(self, tab: Tab | None, event: gr.EventData) -> list[str]:
        """Count a thumb for one turn, once."""
        tab = tab or Tab(new_session())
        index, good = (event._data or {}).get("turn"), bool((event._data or {}).get("good"))
        if isinstance(index, int) and 0 <= index < len(tab.turns) and tab.turns[index].good is None:
            tab.turns[index].good = good
            self.conversation.rate(tab.session, tab.turns[index].turn_id, good)
        return self._draw(tab)[0]

    def _page(self, tab: Tab) -> tuple[str, list[str], dict[str, Any]]:
        return (header_html(tab.language), *self._draw(tab))

    def _draw(self, tab: Tab) -> tuple[list[str], dict[str, Any]]:
        busy = bool(tab.turns) and tab.turns[-1].status in {"waiting", "streaming"}
        suggestions = self.conversation.suggestions(tab.language)
        return thread_html(tab, suggestions), composer_value(tab.language, busy)

    def _apply(self, turn: Turn, event: TurnEvent) -> None:
        """Fold one event into what is shown."""
        turn.turn_id = event.turn_id
        if event.type == "text":
            turn.status, turn.text = "streaming", turn.text + event.text
        elif event.type == "answer" and event.answer is not None:
            turn.status, turn.answer = "answered", event.answer
            turn.language = event.answer.language
            passages = [self.conversation.passage(citation.passage_id) for citation in event.answer.citations]
            turn.documents = {passage.id: passage.doc for passage in passages if passage}
            turn.facts = facts(event.answer, [passage for passage in passages if passage])
            turn.service = service(self.conversation, event.answer)
        elif event.type == "cancelled":
            turn.status = "stopped"
        elif event.type == "error":
            turn.status, turn.text = "failed", event.text


def page(conversation: Conversation, limiter: Any, turns: Any) -> gr.Blocks:
    """The page's components and what their events do."""
    chat = Chat(conversation, limiter, turns)
    opening = Tab("")
    options: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_limit": None,
    }
    with gr.Blocks(title="家门口 · 小沪", analytics_enabled=False, fill_width=True) as blocks:
        tab = gr.State(None, delete_callback=chat.forget)
        header = parts.header(header_html(opening.language))
        thread = parts.thread(thread_html(opening, ()))
        with gr.Column(elem_id="dock"):
            voice = parts.voice(voice_value(opening))
            composer = parts.composer(composer_value(opening.language, ready=False))
        blocks.load(chat.start, None, [tab, header, thread, composer, voice], **options)
        gr.on([thread.submit, composer.submit], chat.ask, [tab], [thread, composer], **options)
        composer.stop(chat.stop, [tab], None, **options)
        voice.voiced(chat.voiced, [tab], [thread], **options)
        header.clear(chat.clear, [tab], [thread, composer, voice], **options)
        header.language(chat.language, [tab], [header, thread, composer, voice], **options)
        thread.rate(chat.rate, [tab], [thread], **options)
    blocks.queue(default_concurrency_limit=None, max_size=None, api_open=False)
    return blocks


def mount(app: FastAPI, conversation: Conversation) -> FastAPI:
    """Put the page at ``/`` of an app made by ``assistant.http.app.build_app``; call this last."""
    add_avatar(app)

    @app.get("/ui/{name}", include_in_schema=False)
    async def asset(name: str) -> Any:
        if name not in ASSETS:
            raise HTTPException(404)
        file, media_type = ASSETS[name]
        return FileResponse(HERE / file, media_type=media_type)

    app.router.routes.append(OtherMethods(app.router.routes))
    served: FastAPI = gr.mount_gradio_app(
        app,
        page(conversation, app.state.limiter, app.state.turns),
        path="/",
        footer_links=[],
        run_history=False,  # would keep residents' questions in the browser
        show_error=False,
        max_file_size=1,  # nothing is uploaded here
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        head=HEAD,
    )
    return served
