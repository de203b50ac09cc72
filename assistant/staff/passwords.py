"""Passwords: rules that people can live with, argon2 hashes, one-time codes."""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assistant.errors import StaffError

SHORTEST = 12  # characters
LONGEST = 256
GUESSABLE = 3  # zxcvbn's scores below this fall to 10^8 guesses
READ = 72  # characters that zxcvbn looks at
OURS = ["jiamenkou", "家门口", "小沪", "xiaohu", "shanghai", "上海", "shequ", "社区"]
HASHES_AT_ONCE = 2  # each takes 64 MB while it is computed
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that is mistaken for something else
GROUPS, GROUP = 5, 4  # of a one-time code: 98 bits


def check_password(password: str, *about: str) -> None:
    """Raise StaffError when a password is too short, too long, or easily guessed; ``about`` are its owner's names."""
    text = unicodedata.normalize("NFKC", password)
    if len(text) < SHORTEST:
        raise StaffError(
            "password-short",
            f"The password has {len(text)} characters.",
            f"Use {SHORTEST} or more: a few words that don't belong together are easy to remember.",
            shortest=SHORTEST,
        )
    if len(text) > LONGEST:
        raise StaffError("password-long", "The password is too long.", f"Use at most {LONGEST}.", longest=LONGEST)
    from zxcvbn import zxcvbn  # its word lists take a moment to load

    inputs = [*OURS, *(name.casefold() for name in about if name)]
    # Digits alone are dates, telephone and identity numbers, which its lists don't know.
    if text.isdigit() or int(zxcvbn(text[:READ], user_inputs=inputs)["score"]) < GUESSABLE:
        raise StaffError(
            "password-common",
            "The password is easily guessed.",
            "Avoid well-known passwords, names, dates and repetitions; add another word or two.",
        )


class Passwords:
    """Hashes and compares passwords; at most two at once, as each takes memory."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(HASHES_AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        """What the password of an unknown name is compared with."""
        return self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """The argon2 hash of a password."""
        with self._turns:
            return self._hasher.hash(unicodedata.normalize("NFKC", password))

    def matches(self, hashed: str | None, password: str) -> bool:
        """Whether a password is the right one. With no hash it takes as long, and is False."""
        text = unicodedata.normalize("NFKC", password[: LONGEST * 4])
        with self._turns:
            nobody = self._nobody  # made at the first login of all, known name or not
            try:
                return self._hasher.verify(hashed or nobody, text) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(hashed)


def new_code() -> str:
    """A one-time code, in groups that can be read out."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def code_hash(code: str) -> str:
    """What is kept of a one-time code; spaces, dashes and case don't matter."""
    text = unicodedata.normalize("NFKC", code).upper()
    return token_hash("".join(letter for letter in text if letter in ALPHABET))


def token_hash(token: str) -> str:
    """What is kept of a token that is too long to be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
