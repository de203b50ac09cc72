"""Mouth shapes and character marks from the times of what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.speak.pronounce import Syllable
from assistant.voice_contracts import Mark, MouthShape, Viseme

_M = MouthShape

_INITIALS = {
    **dict.fromkeys("bpm", _M.CLOSED),
    "f": _M.TEETH,
    **dict.fromkeys("dtnl", _M.TONGUE),
    **dict.fromkeys("gkh", _M.BACK),
    **dict.fromkeys("jqx", _M.SMILE),
    **dict.fromkeys(("zh", "ch", "sh", "r"), _M.ROUND_TEETH),
    **dict.fromkeys("zcs", _M.NARROW),
}
# The vowel that a final comes to, by what is left of it after its glide.
_VOWELS = {
    **dict.fromkeys(("a", "ai", "ao", "an", "ang"), _M.OPEN),
    **dict.fromkeys(("e", "ei", "en", "eng", "er"), _M.MID),
    **dict.fromkeys(("i", "in", "ing"), _M.WIDE),
    **dict.fromkeys(("o", "ou", "ong"), _M.ROUND),
    **dict.fromkeys(("u", "v", "vn", "un"), _M.PURSED),
}
_GLIDES = {"i": _M.WIDE, "u": _M.PURSED, "v": _M.PURSED}

# English phonemes of the Kokoro set.
_PHONEMES = {
    **dict.fromkeys("bpm", _M.CLOSED),
    **dict.fromkeys("fv", _M.TEETH),
    **dict.fromkeys("tdnlɾθð", _M.TONGUE),
    **dict.fromkeys("kɡŋh", _M.BACK),
    **dict.fromkeys("ʃʒʧʤɹ", _M.ROUND_TEETH),
    **dict.fromkeys("sz", _M.NARROW),
    **dict.fromkeys("ɑaæʌIW", _M.OPEN),
    **dict.fromkeys("əɛAɜɐᵊ", _M.MID),
    **dict.fromkeys("iɪjᵻ", _M.WIDE),
    **dict.fromkeys("oɔOYʊ", _M.ROUND),
    **dict.fromkeys("uw", _M.PURSED),
}

_REST_AFTER = 60.0  # ms between two sounds from which the mouth closes
_SHORTEST = 25.0  # ms below which a shape is not worth moving for


@dataclass(frozen=True)
class Timed:
    """One syllable or word with its times in ms, and the shapes within it by their start."""

    begin: int  # displayed characters
    end: int
    start_ms: float
    end_ms: float
    shapes: tuple[tuple[float, MouthShape], ...]
    vowel_ms: float  # where the vowel begins

    def moved(self, by_ms: float) -> Timed:
        """The same, later by ``by_ms``."""
        return Timed(
            self.begin,
            self.end,
            self.start_ms + by_ms,
            self.end_ms + by_ms,
            tuple((start + by_ms, shape) for start, shape in self.shapes),
            self.vowel_ms + by_ms,
        )


def initial_shape(syllable: Syllable) -> MouthShape | None:
    """Shape of the consonant; None when the syllable begins with its vowel."""
    return _INITIALS.get(syllable.initial)


def final_shapes(syllable: Syllable) -> tuple[MouthShape | None, MouthShape]:
    """Shapes of the glide (None without one) and of the vowel."""
    final = syllable.final
    if syllable.initial in ("zh", "ch", "sh", "r") and final == "i":
        return None, _M.ROUND_TEETH
    if syllable.initial in ("z", "c", "s") and final == "i":
        return None, _M.NARROW
    if final in _VOWELS:
        return None, _VOWELS[final]
    if final == "iong":
        return _M.PURSED, _M.ROUND
    glide = _GLIDES.get(final[:1])
    return glide, _VOWELS.get(final[1:], _M.MID)


def phoneme_shape(phoneme: str) -> MouthShape | None:
    """Shape of one English phoneme; None for stress marks."""
    return _PHONEMES.get(phoneme)


def timed_syllable(
    syllable: Syllable, start: float, vowel: float, end: float, glide_share: float = 0.3, main: float | None = None
) -> Timed:
    """Times of a syllable whose consonant begins at ``start`` and whose final begins at ``vowel`` (ms).

    ``main`` is where the vowel follows its glide; without it the glide takes ``glide_share``.
    """
    shapes: list[tuple[float, MouthShape]] = []
    consonant = initial_shape(syllable)
    if consonant is not None:
        shapes.append((start, consonant))
    else:
        vowel = start
    glide, open_shape = final_shapes(syllable)
    if glide is None:
        shapes.append((vowel, open_shape))
    else:
        shapes.append((vowel, glide))
        shapes.append((main if main is not None else vowel + (end - vowel) * glide_share, open_shape))
    return Timed(syllable.begin, syllable.end, start, end, tuple(shapes), vowel)


def visemes(timed: Sequence[Timed], length_ms: float, voice_ends_ms: float) -> tuple[Viseme, ...]:
    """Mouth shapes over a clip of ``length_ms``: begins and ends at rest, no shape twice running.

    The mouth closes when the voice ends at the latest.
    """
    events: list[tuple[float, MouthShape]] = [(0.0, _M.REST)]
    mouth_until = 0.0
    for item in timed:
        if item.start_ms - mouth_until >= _REST_AFTER:
            events.append((mouth_until, _M.REST))
        events.extend(item.shapes)
        mouth_until = item.end_ms
    events.append((min(mouth_until, voice_ends_ms, length_ms), _M.REST))
    kept: list[Viseme] = []
    for number, (start, shape) in enumerate(events):
        following = events[number + 1][0] if number + 1 < len(events) else length_ms
        last = number + 1 == len(events)
        if following - start < _SHORTEST and not last and shape is not _M.CLOSED:
            continue
        place = round(max(0.0, min(start, length_ms)))
        if kept and kept[-1].start_ms >= place:
            kept[-1] = Viseme(kept[-1].start_ms, shape)
        elif not kept or kept[-1].shape is not shape:
            kept.append(Viseme(place, shape))
    kept[0] = Viseme(0, kept[0].shape)  # a rest too short to show may have stood before it
    return tuple(kept)


def marks(timed: Sequence[Timed], length_ms: float) -> tuple[Mark, ...]:
    """When each displayed run is heard; syllables of one run are joined."""
    joined: list[Mark] = []
    for item in timed:
        start, end = round(max(0.0, item.start_ms)), round(min(item.end_ms, length_ms))
        if joined and (joined[-1].begin, joined[-1].end) == (item.begin, item.end):
            joined[-1] = Mark(joined[-1].start_ms, max(end, joined[-1].end_ms), item.begin, item.end)
        else:
            joined.append(Mark(start, max(start, end), item.begin, item.end))
    return tuple(joined)
