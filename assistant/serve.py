"""Serve one data folder: the web service and chat, the model in the background, prefixes while idle."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from assistant.contracts import LanguageModel
from assistant.errors import BusyError, JiamenkouError, SettingsError
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.dialogue.session import Engines
    from assistant.main import Library
    from assistant.main_voice import Busy


KEEP = 75  # seconds an idle connection is kept: longer than clients do, so that none asks on one that just closed


def run(config: Settings, say: Callable[[str], None]) -> None:
    """Serve until interrupted; raises BusyError or SettingsError when that can't begin."""
    config.data_folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(config.data_folder / "server.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(
            f"Another server already uses {config.data_folder}.",
            "Open the page that it serves, or set JIAMENKOU_DATA_FOLDER for a second one.",
        ) from None
    try:
        _check_port(config)
        _serve(config, say)
    finally:
        lock.release()


def _check_port(config: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise SettingsError(
                f"{config.host}:{config.port} can't be used: {error.strerror}.",
                "Stop what listens there, or set JIAMENKOU_PORT.",
            ) from error


def _serve(config: Settings, say: Callable[[str], None]) -> None:
    import uvicorn

    from assistant.dialogue.people import People
    from assistant.dialogue.session import VoiceSession
    from assistant.handoff.desk import Desk
    from assistant.http.app import build_app
    from assistant.http.calls import add_calls
    from assistant.http.openai_app import add_openai
    from assistant.http.staff.calls import add_console
    from assistant.http.staff.site import add_staff
    from assistant.http.takeaway import add_takeaway
    from assistant.http.voice import add_voice
    from assistant.keeper import Keeper
    from assistant.keys import Keys
    from assistant.logs import configure_logging
    from assistant.main import build, forgetter, model_or_none
    from assistant.main_voice import Busy, engines_or_none
    from assistant.observe import TurnObserver
    from assistant.staff.desk import open_staff
    from assistant.understand.clean import clean_question
    from assistant.understand.guard import prepare
    from assistant.understand.question import make_question
    from ui.chat import mount
    from ui.kiosk.page import mount_kiosk

    configure_logging(config.log_level)
    _no_dumps()
    prepare()  # the first question must not wait for the guard's patterns
    model = model_or_none(config, say)
    observer = TurnObserver()
    assistant, library = build(config, model, [observer], config.engine)
    desk = Desk(
        config.call_wait_seconds, config.call_idle_seconds, config.call_absence_seconds, counted=observer.called
    )
    people = People(assistant, desk)
    people.on_erase(forgetter(model))
    preparing = {"done": 0, "of": 0}
    instance = secrets.token_hex(8)  # another one after each start: pages then load themselves anew

    # The first question must not wait for what is loaded on first use.
    library.knowledge().retriever.search(make_question(clean_question("养老床位有多少張？")), config.today())

    engines = engines_or_none(config, library, say)
    clips: dict[str, int | bool] = {"warm": False, "done": 0, "of": 0}

    def health() -> dict[str, Any]:
        knowledge = library.knowledge()
        return {
            "ready": True,
            "instance": instance,
            "release": knowledge.release,
            "passages": len(knowledge.passages),
            "prefixes": preparing,
            "hears": engines is not None,
            "speaks": engines is not None and engines.voice is not None,
            "clips": clips,
        }

    service = build_app(people, health, config)
    service.state.ticks += [assistant.expire, desk.tick]
    add_takeaway(service, people, config)
    add_calls(service, people)
    busy = Busy()
    if engines is not None:
        add_voice(
            service,
            lambda session, language: VoiceSession(people, engines, session, language, busy, people.expects),
            people.erase,
            service.state.limiter.allow,
            config.voice_sessions,
            config.keep_recordings,
            people,
        )
    frame = add_staff(service, open_staff(config), config)
    add_console(frame, people)
    keyboard = mount_kiosk(service, people, config, instance, lambda: library.knowledge().release)
    keys = Keys(config.data_folder)
    add_openai(service, people, config, engines=engines, embedder=library.embedder, keys=keys)
    app = mount(service, people)

    def prepare_release() -> None:
        if model is not None:
            asyncio.run(_prepare(model, library, preparing, say))
        if engines is not None and config.prepare_speech:
            asyncio.run(_prepare_speech(config, library, engines, busy, clips, say))

    published = threading.Event()
    keeper = Keeper(config, library, published.set)
    keeper.start()

    def background() -> None:
        if engines is not None:
            asyncio.run(_warm(engines, clips, say))
        while True:
            keyboard.get()
            prepare_release()
            published.wait()
            published.clear()

    threading.Thread(target=background, daemon=True).start()
    sys.setswitchinterval(0.001)  # a search in a thread must not hold up whoever is being written to
    say(f"Open http://{config.host}:{config.port}")
    try:
        # Without its own logging: an access log would hold addresses, an error log the messages of errors.
        uvicorn.run(
            app,
            host=config.host,
            port=config.port,
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=KEEP,
        )
    finally:
        if model is not None:
            asyncio.run(model.close())


def _no_dumps() -> None:
    """A crash must not write the memory, with what residents said, to a disk."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # no such thing on this system
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _prepare(
    model: LanguageModel,
    library: Library,
    preparing: dict[str, int],
    say: Callable[[str], None],
) -> None:
    """Compute missing prefixes; questions come first, so this only uses idle time."""

    from assistant.main import articles, wait_until_ready

    def progress(done: int, of: int) -> None:
        preparing.update(done=done, of=of)

    try:
        await wait_until_ready(model, 120.0)
        await model.prepare(articles(library.knowledge()), progress)
    except JiamenkouError as error:
        say(f"Prefixes are not ready: {error}")


async def _warm(engines: Engines, clips: dict[str, int | bool], say: Callable[[str], None]) -> None:
    """Load what hearing and speaking need, so that nobody waits for it."""
    from assistant.prepare_voice import warm

    try:
        await warm(engines)
        clips["warm"] = True
    except JiamenkouError as error:
        say(f"The voice is not ready: {error}")


async def _prepare_speech(
    config: Settings,
    library: Library,
    engines: Engines,
    busy: Busy,
    clips: dict[str, int | bool],
    say: Callable[[str], None],
) -> None:
    """Say beforehand what will be said, while nobody speaks."""
    from assistant.prepare_voice import prepare_speech

    try:
        await prepare_speech(config, library, engines, busy, lambda done, of: clips.update(done=done, of=of))
    except JiamenkouError as error:
        say(f"Speech is not prepared: {error}")
