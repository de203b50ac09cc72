"""Work that is due every second while the service runs: sessions that expire, calls that ring too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from fastapi import FastAPI

SECOND = 1.0


def ticking(jobs: Sequence[Callable[[], None]]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan that calls each of ``jobs`` every second; the sequence may grow later."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(SECOND)
            for job in jobs:
                try:
                    job()
                except Exception as error:  # the others go on
                    structlog.get_logger("ticks").error("failed", kind=type(error).__name__)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(tick())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return lifespan
