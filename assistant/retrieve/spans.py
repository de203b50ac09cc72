"""Long sentences to spans: the runs of clauses that an answer may be trimmed to."""

from __future__ import annotations

import re

SHORT = 60  # characters: a sentence up to this length is spoken whole
LONGEST = 75  # characters of one span

_PAIRS = {"(": ")", "（": "）", "“": "”", "《": "》", "「": "」"}


def clauses(sentence: str) -> list[str]:
    """The sentence cut at commas and semicolons, never inside brackets or quotes; joined it is whole."""
    out: list[str] = []
    start, closing = 0, []
    for position, character in enumerate(sentence):
        if character in _PAIRS:
            closing.append(_PAIRS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character in ",，;；" and not closing and not _in_number(sentence, position):
            out.append(sentence[start : position + 1])
            start = position + 1
    if start < len(sentence):
        out.append(sentence[start:])
    return out


def spans(sentence: str) -> list[str]:
    """Runs of clauses, each a candidate for what is spoken; a short sentence is its only span."""
    if len(sentence) <= SHORT:
        return [sentence]
    parts = clauses(sentence)
    out: dict[str, None] = {}
    for start in range(len(parts)):
        run = ""
        for part in parts[start:]:
            if run and len(run) + len(part) > LONGEST:
                break
            run += part
            # One with a single short clause says too little ("到2025年,").
            if len(run) >= 8 and not _only_deadline(run):
                out.setdefault(run.rstrip(",，;；"))
            if part.endswith((";", "；")):
                break
    return list(out)


def _only_deadline(run: str) -> bool:
    return bool(re.fullmatch(r"到?“?[\d十四五]+”?(年|期间)底?[,，]?", run))


def _in_number(sentence: str, position: int) -> bool:
    """1,000 is one number."""
    return sentence[position - 1 : position].isdigit() and sentence[position + 1 : position + 2].isdigit()
