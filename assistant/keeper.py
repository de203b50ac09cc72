"""Keeps time while a server runs: publishes what is scheduled, and prepares what a new release needs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from assistant.errors import JiamenkouError
from assistant.main import Library
from assistant.main_publish import Publisher
from assistant.settings import Settings

_log = logging.getLogger(__name__)
EVERY = 10.0  # seconds between two looks


class Keeper:
    """One background thread of a server; a publishing of any process is noticed."""

    def __init__(self, settings: Settings, library: Library, prepare: Callable[[], None] = lambda: None) -> None:
        """``prepare`` is called after every swap, and computes what is not needed for answering."""
        self.publisher = Publisher(settings, library.embedder)
        self._library, self._prepare = library, prepare
        self._release = library.knowledge().release
        self._stop = threading.Event()

    def start(self) -> None:
        """Keep time until ``stop``."""
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def stop(self) -> None:
        """End at the next look."""
        self._stop.set()

    def look(self) -> None:
        """Do what is due now."""
        if self.publisher.publish_due():
            self.publisher.tidy()
        name = self._library.knowledge().release  # also turns the page at midnight, before anybody asks
        if name != self._release:
            self._release = name
            self._prepare()

    def _run(self) -> None:
        try:
            self.publisher.mend()
            self.publisher.complete()
        except (JiamenkouError, OSError):
            _log.exception("what an earlier process left could not be finished")
        while not self._stop.wait(EVERY):
            try:
                self.look()
            except Exception:  # the next look may go well, and nobody else would notice what is due
                _log.exception("keeping time failed")
