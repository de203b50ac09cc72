"""Recognisers in order: the next one answers when one fails or hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from queue import Empty, SimpleQueue
from threading import Thread

import structlog

from assistant.errors import HearError
from assistant.voice_contracts import HEARD_RATE, Recogniser, Sound, Transcript

_log = structlog.get_logger(__name__)


class _Worker:
    """One engine on one thread of its own, so that a hung call holds nobody else."""

    def __init__(self, engine: Recogniser) -> None:
        self.engine = engine
        self.resting_until = 0.0
        self._jobs: SimpleQueue[tuple[Future[Transcript], Callable[[], Transcript]]] = SimpleQueue()
        self._running: Future[Transcript] | None = None
        self._thread: Thread | None = None

    @property
    def hung(self) -> bool:
        """Whether a call that nobody waits for any more still holds the thread."""
        return self._running is not None and not self._running.done()

    def submit(self, job: Callable[[], Transcript]) -> Future[Transcript]:
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._serve, name=f"hear-{self.engine.name}", daemon=True)
            self._thread.start()
        future: Future[Transcript] = Future()
        self._jobs.put((future, job))
        return future

    def abandon(self, future: Future[Transcript]) -> None:
        """Nobody waits for ``future``: skip it when it has not begun, remember it when it has."""
        if not future.cancel():
            self._running = future

    def _serve(self) -> None:
        while True:
            try:
                future, job = self._jobs.get(timeout=60)
            except Empty:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # an engine must not end its thread
                future.set_exception(error)


class RecogniserChain:
    """Asks each engine in turn. Implements ``Recogniser``; may be called from several threads.

    An engine that is late is set aside: until its call comes back, and at least for ``rest``
    seconds. One that raises is only skipped this time.
    """

    name = "chain"

    def __init__(
        self,
        recognisers: Sequence[Recogniser],
        timeout: float = 8.0,
        rest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``timeout`` in seconds for a sound of up to ten seconds; longer sound gets as much more."""
        if not recognisers:
            raise ValueError("A chain needs at least one recogniser.")
        self._workers = [_Worker(engine) for engine in recognisers]
        self._timeout, self._rest, self._clock = timeout, rest, clock

    def transcribe(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """Text of ``sound`` from the first engine that answers in time.

        Raises ``HearError`` when none does.
        """
        limit = self._timeout * max(1.0, len(sound) / HEARD_RATE / 10)
        reasons = []
        for worker in self._workers:
            name = worker.engine.name
            if worker.hung or worker.resting_until > self._clock():
                reasons.append(f"{name} is set aside")
                continue
            future = worker.submit(lambda engine=worker.engine: engine.transcribe(sound, context, tentative))  # type: ignore[misc]
            try:
                return future.result(timeout=limit)
            except Late:
                worker.abandon(future)
                worker.resting_until = self._clock() + self._rest
                reasons.append(f"{name} took longer than {limit:.0f} s")
            except HearError as error:
                reasons.append(f"{name}: {error.message}")
            except Exception as error:
                reasons.append(f"{name} failed ({type(error).__name__})")
            _log.warning("recogniser skipped", engine=name, reason=reasons[-1])
        raise HearError(f"No recogniser works: {'; '.join(reasons)}.", "Type the question, or try again in a minute.")

    async def transcribe_soon(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """The same without holding the event loop."""
        return await asyncio.to_thread(self.transcribe, sound, context, tentative)
