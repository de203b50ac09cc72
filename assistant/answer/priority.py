"""One slot, many callers: questions go before work that can wait."""

from __future__ import annotations

import heapq
import itertools
import threading
from asyncio import CancelledError, wrap_future
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager

QUESTION, BACKGROUND = 0, 1


class PriorityLock:
    """An async lock that lets questions pass; works across event loops and threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: list[tuple[int, int, Future[None]]] = []
        self._numbers = itertools.count()

    @property
    def wanted(self) -> bool:
        """Whether a question waits: whoever works in the background should let go."""
        with self._guard:
            return any(rank == QUESTION and not future.done() for rank, _, future in self._waiting)

    @asynccontextmanager
    async def hold(self, rank: int = QUESTION) -> AsyncIterator[None]:
        """Hold the lock inside ``async with``; cancelling while waiting gives the place up."""
        await self._acquire(rank)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, rank: int) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            future: Future[None] = Future()
            heapq.heappush(self._waiting, (rank, next(self._numbers), future))
        try:
            await wrap_future(future)
        except CancelledError:
            if not future.cancel():  # it was granted in the same moment: pass it on
                self._release()
            raise

    def _release(self) -> None:
        with self._guard:
            while self._waiting:
                _, _, future = heapq.heappop(self._waiting)
                if future.set_running_or_notify_cancel():
                    future.set_result(None)
                    return
            self._held = False
