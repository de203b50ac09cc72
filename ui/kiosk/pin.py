"""The staff PIN: kept as a salted hash, and locked after too many wrong tries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from assistant.errors import SettingsError

COST = {"n": 2**14, "r": 8, "p": 1}  # of scrypt: about 50 ms a try
DIGITS = re.compile(r"[0-9]{4,12}")


def hash_pin(pin: str) -> str:
    """What belongs in ``JIAMENKOU_KIOSK_PIN_HASH``; raises SettingsError when ``pin`` is no PIN."""
    if not DIGITS.fullmatch(pin):
        raise SettingsError("A PIN is 4 to 12 digits.", "For example six digits that are no date.")
    salt = secrets.token_bytes(16)
    return f"scrypt:{_text(salt)}:{_text(_hash(pin, salt))}"


@dataclass(frozen=True)
class Tried:
    """The outcome of one try: right, or how many tries are left, or for how many seconds the pad is locked."""

    right: bool
    left: int = 0
    locked: float = 0.0


class PinPad:
    """Tries of one server. All kiosks share it: whoever guesses, guesses for all."""

    def __init__(
        self, hashed: str, attempts: int, lock_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``hashed`` is of ``hash_pin``; empty means that there is no pad. Raises SettingsError when it is neither."""
        self.enabled = bool(hashed)
        self._attempts, self._lock, self._clock = attempts, lock_seconds, clock
        self._wrong, self._until = 0, 0.0
        self._salt = self._hash = b""
        if hashed:
            try:
                kind, salt, rest = hashed.split(":")
                self._salt, self._hash = base64.b64decode(salt), base64.b64decode(rest)
            except ValueError:
                kind = ""
            if kind != "scrypt" or len(self._hash) != 64:
                raise SettingsError("JIAMENKOU_KIOSK_PIN_HASH is no hash.", "Make one with `jiamenkou kiosk-pin`.")

    def enter(self, pin: str) -> Tried:
        """Try ``pin``. While the pad is locked nothing is compared."""
        now = self._clock()
        if not self.enabled:
            return Tried(False)
        if now < self._until:
            return Tried(False, 0, self._until - now)
        if DIGITS.fullmatch(pin) and hmac.compare_digest(_hash(pin, self._salt), self._hash):
            self._wrong = 0
            return Tried(True)
        self._wrong += 1
        if self._wrong < self._attempts:
            return Tried(False, self._attempts - self._wrong)
        self._wrong, self._until = 0, now + self._lock
        return Tried(False, 0, self._lock)


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, **COST)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
