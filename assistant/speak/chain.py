"""The voices in order of preference: the next one speaks when one is late or broken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from assistant.errors import SpeakError
from assistant.voice_contracts import Speech, Voice


class VoiceChain:
    """Speaks each clause with the first voice that does so in time.

    Every voice levels its clips to one loudness, so a change in the middle of an answer is no jump.
    A voice that failed is set aside for a while, twice as long each time it fails again at once.
    """

    def __init__(
        self,
        voices: Sequence[Voice],
        *,
        deadline: float = 4.0,
        deadline_per_character: float = 0.25,
        rest: float = 20.0,
        longest_rest: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A clause may take ``deadline`` seconds and ``deadline_per_character`` more for each character.

        ``rest`` is the seconds for which a voice is set aside after its first failure.
        """
        if not voices:
            raise SpeakError(
                "There is no voice to speak with.",
                "Run `jiamenkou weights pull`, or set JIAMENKOU_VOICE to one that is installed.",
            )
        self.name = "+".join(voice.name for voice in voices)
        self._voices = tuple(voices)
        self._deadline = deadline
        self._per_character = deadline_per_character
        self._rest = rest
        self._longest_rest = longest_rest
        self._clock = clock
        self._aside: dict[int, tuple[float, float]] = {}  # voice: (until, length of the rest)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voices, best first."""
        return self._voices

    def aside(self) -> tuple[str, ...]:
        """Names of the voices that are set aside now."""
        now = self._clock()
        return tuple(self._voices[number].name for number, (until, _) in self._aside.items() if until > now)

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """Say one displayed clause; see ``Voice``. Raises ``SpeakError`` when every voice fails.

        When all are set aside, all are tried again: a late answer is better than silence.
        """
        now = self._clock()
        order = [n for n in range(len(self._voices)) if self._aside.get(n, (0.0, 0.0))[0] <= now]
        order += [n for n in range(len(self._voices)) if n not in order]
        complaints: list[str] = []
        for number in order:
            voice = self._voices[number]
            allowed = self._deadline + self._per_character * len(clause)
            try:
                speech = await _within(voice.speak(clause, speed), allowed)
            except TimeoutError:
                complaints.append(f"{voice.name} took longer than {allowed:.1f} s")
            except SpeakError as problem:
                complaints.append(f"{voice.name}: {problem.message}")
            except Exception as problem:
                # A voice must not end a conversation by an error that it didn't foresee.
                complaints.append(f"{voice.name}: {problem!r}")
            else:
                self._aside.pop(number, None)
                return speech
            self._set_aside(number)
        raise SpeakError(
            f"No voice can speak ({'; '.join(complaints)}).",
            "Read the answer on the screen; run `jiamenkou weights verify kokoro-82m`.",
        )

    def _set_aside(self, number: int) -> None:
        _, last = self._aside.get(number, (0.0, 0.0))
        rest = min(self._longest_rest, last * 2 or self._rest)
        self._aside[number] = (self._clock() + rest, rest)

    async def close(self) -> None:
        """Close every voice, whatever one of them raises."""
        for voice in self._voices:
            with contextlib.suppress(Exception):
                await voice.close()


async def _within(speaking: Coroutine[Any, Any, Speech], seconds: float) -> Speech:
    """The clip, or ``TimeoutError`` after ``seconds`` even when the voice ignores being cancelled."""
    task = asyncio.create_task(speaking)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        # Nobody waits for it any more, so nobody would read its exception.
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimeoutError
    return task.result()
