"""Admission: few work at once, some wait in order, and the rest are told at once when to come back."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType

from assistant.errors import OverloadError

BUSY = ("现在问的人太多了。", "请过一会儿再问；急事请拨打12345，危险时拨打110、119或120。")


class Admission:
    """A gate of one event loop: ``async with gate:`` does the work, in the order of coming.

    Whoever is inside keeps the pace of a quiet day: under overload the queue's length is bounded, so waiting is too.
    """

    def __init__(
        self,
        at_once: int,
        waiting: int,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``waiting`` may queue, each for at most ``patience`` seconds."""
        self.at_once, self.waiting, self.patience = at_once, waiting, patience
        self._clock = clock
        self._running = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._pace = 0.0  # seconds between two that leave, smoothed
        self._left: float | None = None

    @property
    def full(self) -> bool:
        """Whether one more would be turned away."""
        return self._running >= self.at_once and len(self._queue) >= self.waiting

    def overloaded(self) -> OverloadError:
        """What one who is turned away is told; to come back when half of the queue has gone."""
        seconds = math.ceil(self._pace * len(self._queue) / 2)
        return OverloadError(*BUSY, retry_after=min(30, max(1, seconds)))

    async def __aenter__(self) -> None:
        """Wait for a place. Raises ``OverloadError`` when the queue is full, or doesn't move."""
        await self._enter(first=False)

    @asynccontextmanager
    async def again(self) -> AsyncIterator[None]:
        """The same for the next part of work that was let in already: it is first in the queue, however long that is."""
        await self._enter(first=True)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, first: bool) -> None:
        if self._running < self.at_once and not self._queue:
            self._running += 1
            return
        if self.full and not first:
            raise self.overloaded()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.insert(0 if first else len(self._queue), place)
        try:
            await asyncio.wait_for(asyncio.shield(place), None if first else self.patience)
        except BaseException as error:
            if place.done():  # called at the very moment: pass it on
                self._leave()
            else:
                place.cancel()
                self._queue.remove(place)
            if isinstance(error, TimeoutError):
                raise self.overloaded() from None
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one in."""
        now = self._clock()
        if self._left is not None and self._queue:  # the pace of a queue, not of the quiet between questions
            self._pace += 0.1 * (now - self._left - self._pace)
        self._left = now
        self._leave()

    def _leave(self) -> None:
        if self._queue:
            self._queue.popleft().set_result(None)  # the place goes from hand to hand
        else:
            self._running -= 1
