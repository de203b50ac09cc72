"""What local voices share: one worker thread, cancelling, and finishing a clip."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from assistant.errors import JiamenkouError, SpeakError
from assistant.speak.loudness import level, trim
from assistant.speak.normalise import normalise
from assistant.speak.pronounce import Pause, pronounce
from assistant.speak.pronounce import Sound as Said
from assistant.speak.visemes import Timed, marks, visemes
from assistant.voice_contracts import SPOKEN_RATE, Sound, Speech

Made = tuple[Sound, Sequence[Timed]]  # sound at SPOKEN_RATE, and the times of what is said in it

_SLOWEST, _FASTEST = 0.5, 2.0


class Stopped(Exception):
    """The call was cancelled while the engine worked."""


class Job:
    """Lets a running synthesis be stopped from another thread."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._hooks: list[Callable[[], None]] = []

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` when the job is stopped; at once when it already is."""
        self._hooks.append(hook)
        if self._stopped.is_set():
            hook()

    def stop(self) -> None:
        """Ask the engine to give up."""
        self._stopped.set()
        for hook in tuple(self._hooks):
            hook()

    def check(self) -> None:
        """Raise ``Stopped`` when the job was stopped."""
        if self._stopped.is_set():
            raise Stopped


class LocalVoice(ABC):
    """A voice that runs on this machine, one clause after the other on a thread of its own."""

    name: str

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="speak")

    @abstractmethod
    def load(self) -> None:
        """Open the engine; called on the worker before the first clause, and may be called early."""

    @abstractmethod
    def synthesise(self, said: Sequence[Said], speed: float, job: Job) -> Made:
        """Sound of a whole clause with times. Calls ``job.check()`` where it may stop."""

    async def warm(self) -> None:
        """Load the engine and the dictionaries now, so that the first clause doesn't wait for them."""
        await asyncio.to_thread(pronounce, normalise("您好，12345"))
        await asyncio.get_running_loop().run_in_executor(self._worker, self._load)

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """Say one displayed clause; see ``Voice``. Raises ``SpeakError``."""
        check_speed(speed)
        job = Job()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._speak, clause, speed, job)
        except RuntimeError as problem:
            raise SpeakError(f"The voice {self.name} is closed.", "Start the assistant again.") from problem
        finally:
            job.stop()

    def _load(self) -> None:
        try:
            self.load()
        except JiamenkouError:
            raise
        except Exception as problem:
            raise SpeakError(f"The voice {self.name} can't be loaded ({problem}).", self._hint()) from problem

    def _hint(self) -> str:
        return f"Run `jiamenkou weights verify {self.name.partition('/')[0]}`."

    def _speak(self, clause: str, speed: float, job: Job) -> Speech:
        try:
            said = pronounce(normalise(clause))
            if all(isinstance(sound, Pause) for sound in said):
                return Speech(clause, np.zeros(0, dtype=np.float32), voice=self.name)
            job.check()
            self._load()
            sound, timed = self.synthesise(said, speed, job)
        except Stopped as problem:
            raise SpeakError("Speaking was cancelled.") from problem
        except JiamenkouError:
            raise
        except Exception as problem:
            raise SpeakError(f"The voice {self.name} broke ({problem}).", self._hint()) from problem
        return finish(clause, sound, timed, said, speed, self.name)

    async def close(self) -> None:
        """Let go of the engine; a clause that is being said is left to end."""
        self._worker.shutdown(wait=False, cancel_futures=True)


def check_speed(speed: float) -> None:
    """Raise ``SpeakError`` when no voice can speak that fast or slowly."""
    if not _SLOWEST <= speed <= _FASTEST:
        raise SpeakError(f"A speed of {speed} can't be spoken.", f"Choose one from {_SLOWEST} to {_FASTEST}.")


def finish(clause: str, sound: Sound, timed: Sequence[Timed], said: Sequence[Said], speed: float, voice: str) -> Speech:
    """Trim and level ``sound`` (SPOKEN_RATE) and lay its times over what is displayed."""
    last = said[-1]
    clip, cut, ends = trim(sound, last.sign if isinstance(last, Pause) else "", speed)
    length = len(clip) * 1000 / SPOKEN_RATE
    placed = [item.moved(-cut) for item in timed]
    shapes = visemes(placed, length, ends)
    return Speech(clause, level(clip), shapes, marks(placed, ends), voice)
