"""The table of readings in readings.yaml, typed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("readings.yaml")


@dataclass(frozen=True)
class Readings:
    """Words and signs whose reading can't be told from their letters."""

    measures: tuple[str, ...]  # words before which 2 is 两, longest first
    units: dict[str, dict[str, str]]  # sign after a number: {zh, en}
    symbols: dict[str, dict[str, str]]  # one character: {zh, en}
    words: dict[str, str]  # Latin word in lower case: as it is said inside Mandarin
    letters: dict[str, str]  # capital letter: pinyin that comes near its name
    pinyin: dict[str, tuple[str, ...]]  # Chinese word: pinyin with tone numbers
    digest: str  # of the file


@lru_cache(maxsize=1)
def readings() -> Readings:
    """The table of this version."""
    raw = _FILE.read_bytes()
    table = yaml.safe_load(raw)
    return Readings(
        measures=tuple(sorted(table["measures"].split(), key=len, reverse=True)),
        units={sign: {"zh": said[0], "en": said[1]} for sign, said in table["units"].items()},
        symbols={sign: {"zh": said[0], "en": said[1]} for sign, said in table["symbols"].items()},
        words={word.lower(): said for word, said in table["words"].items()},
        letters=dict(table["letters"]),
        pinyin={word: tuple(said.split()) for group in table["pinyin"] for word, said in group["words"].items()},
        digest=sha256(raw).hexdigest(),
    )
