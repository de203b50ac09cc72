"""Text to sentences that join to the text again; quotes and brackets are never cut open."""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 400  # characters of one sentence; the embedder takes about 650

_PAIRS = {"”": "“", "」": "「", "』": "『", "》": "《", ")": "(", "）": "（", "】": "【", "’": "‘"}
_OPENERS = frozenset(_PAIRS.values())
_ENDS = "。！？!?"


def split_sentences(text: str) -> list[str]:
    """Sentences with their marks; joined they are ``text``.

    A mark inside a closed pair of quotes or brackets ends nothing; one that is never closed is
    taken as a slip. A sentence over ``LONGEST`` characters is cut at its clauses.
    """
    inside = _inside_pairs(text)
    out, start = [], 0
    for position, character in enumerate(text):
        following = text[position + 1 : position + 2]
        if inside[position]:
            continue
        ends = character in _ENDS and following not in (*_ENDS, *_PAIRS)
        if ends and character in "?!" and following.isascii() and following.isalnum():
            ends = False  # an address on the net, not a question
        if ends or character == "\n":
            out.append(text[start : position + 1])
            start = position + 1
    if start < len(text):
        out.append(text[start:])
    return [piece for each in out for piece in _chunks(each)]


def _inside_pairs(text: str) -> bytearray:
    """1 for each character from an opening mark up to its closing mark, within one line."""
    inside = bytearray(len(text) + 1)
    waiting: list[int] = []
    for position, character in enumerate(text):
        if character == "\n":
            waiting.clear()
        elif character in _OPENERS:
            waiting.append(position)
        elif character in _PAIRS:
            while waiting:
                opened = waiting.pop()
                if text[opened] == _PAIRS[character]:
                    inside[opened:position] = b"\x01" * (position - opened)
                    break
    return inside


def _chunks(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        cut = max(sentence.rfind(mark, 0, LONGEST) for mark in "；;，,、 ") + 1
        cut = cut if cut > LONGEST // 4 else LONGEST
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence
