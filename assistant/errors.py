"""The tree of errors; each carries what to do about it, for staff and for residents.

JiamenkouError
├── SettingsError       a setting is wrong or missing
├── WeightsError        a model file is missing, broken, or can't be fetched
├── KnowledgeError      a document, card or release is broken
│   ├── BusyError       another process is writing this data folder
│   ├── IntakeError     a file that staff hand in can't be taken in
│   │   └── IntakeCancelled  taking in was stopped
│   └── ConflictError   somebody else changed the same thing meanwhile
├── InputError          the resident's input can't be used
├── RetrieveError       the index can't be opened or asked
├── AnswerError         the language model is late, broken, or away
├── HandoffError        a call to a person can't be made, taken or answered
├── HearError           sound can't be read, or no recogniser works
├── SpeakError          a voice is late, broken, or away
├── KeyStoreError       an API key is unknown, or the keys can't be read
├── OverloadError       too many ask at once
└── StaffError          an account, a login or a right of staff
    ├── FourEyesError   somebody may not approve their own change
    └── StaleError      somebody else changed it in the meantime
"""

from __future__ import annotations


class JiamenkouError(Exception):
    """``message`` says what happened, ``hint`` what to do; both are shown to people."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class SettingsError(JiamenkouError):
    """A setting is wrong or missing."""


class WeightsError(JiamenkouError):
    """A model file is missing, broken, or can't be fetched."""


class KnowledgeError(JiamenkouError):
    """A document, card or release is broken."""


class BusyError(KnowledgeError):
    """Another process is writing this data folder."""


class IntakeError(KnowledgeError):
    """A file that staff hand in can't be taken in; both texts are Chinese, ``code`` is for programs."""

    def __init__(self, message: str, hint: str = "", code: str = "unreadable") -> None:
        super().__init__(message, hint)
        self.code = code


class IntakeCancelled(IntakeError):
    """Taking in was stopped by who started it; nothing was kept."""


class ConflictError(KnowledgeError):
    """Somebody else changed the same thing meanwhile; carries both texts and what both began with, as far as known."""

    def __init__(self, message: str, hint: str = "", mine: str = "", theirs: str = "", base: str = "") -> None:
        super().__init__(message, hint)
        self.mine, self.theirs, self.base = mine, theirs, base


class InputError(JiamenkouError):
    """The resident's input can't be used."""


class RetrieveError(JiamenkouError):
    """The index can't be opened or asked."""


class AnswerError(JiamenkouError):
    """The language model is late, broken, or away."""


class HandoffError(JiamenkouError):
    """A call to a person can't be made, taken or answered."""


class HearError(JiamenkouError):
    """Sound can't be read, or no recogniser works."""


class SpeakError(JiamenkouError):
    """A voice is late, broken, or away."""


class KeyStoreError(JiamenkouError):
    """An API key is unknown, or the keys can't be read."""


class OverloadError(JiamenkouError):
    """Too many ask at once; ``retry_after`` says in how many seconds it is worth asking again."""

    def __init__(self, message: str, hint: str = "", retry_after: int = 1) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class StaffError(JiamenkouError):
    """An account, a login or a right of staff; pages word it in Chinese by its ``reason``."""

    def __init__(self, reason: str, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message, hint)
        self.reason = reason
        self.details = details


class FourEyesError(StaffError):
    """Somebody may not approve their own change."""


class StaleError(StaffError):
    """Somebody else changed it in the meantime; ``details`` says who, when and what."""
