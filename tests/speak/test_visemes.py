from __future__ import annotations

import itertools

import numpy as np
import pytest

from assistant.speak.align import by_energy, spread
from assistant.speak.loudness import TARGET, level, trim
from assistant.speak.normalise import normalise
from assistant.speak.pronounce import Syllable, pronounce
from assistant.speak.visemes import final_shapes, initial_shape, marks, timed_syllable, visemes
from assistant.voice_contracts import SPOKEN_RATE, MouthShape


@pytest.mark.parametrize(
    ("pinyin", "expected"),
    [
        ("ba", [MouthShape.CLOSED, MouthShape.OPEN]),
        ("fu", [MouthShape.TEETH, MouthShape.PURSED]),
        ("shi", [MouthShape.ROUND_TEETH, MouthShape.ROUND_TEETH]),
        ("zi", [MouthShape.NARROW, MouthShape.NARROW]),
        ("xian", [MouthShape.SMILE, MouthShape.WIDE, MouthShape.OPEN]),
        ("yu", [MouthShape.PURSED]),
        ("guo", [MouthShape.BACK, MouthShape.PURSED, MouthShape.ROUND]),
        ("gui", [MouthShape.BACK, MouthShape.PURSED, MouthShape.MID]),
        ("zhong", [MouthShape.ROUND_TEETH, MouthShape.ROUND]),
        ("er", [MouthShape.MID]),
    ],
)
def test_shapes_of_syllables(pinyin: str, expected: list[MouthShape]) -> None:
    syllable = Syllable(0, 1, pinyin, 1)
    glide, vowel = final_shapes(syllable)
    assert [shape for shape in (initial_shape(syllable), glide, vowel) if shape] == expected


def test_every_syllable_of_mandarin_has_a_vowel_shape() -> None:
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    plain = {to_normal(reading) for readings in list(PINYIN_DICT.values())[:8000] for reading in readings.split(",")}
    assert len(plain) > 350
    for pinyin in plain:
        assert final_shapes(Syllable(0, 1, pinyin.replace("ü", "v"), 1))[1] in MouthShape


def test_mouth_rests_at_both_ends_and_in_pauses() -> None:
    first = timed_syllable(Syllable(0, 1, "ba", 1), 50, 100, 250)
    second = timed_syllable(Syllable(2, 3, "ma", 1), 600, 650, 800)
    events = visemes([first, second], 1000, 850)
    assert [(event.start_ms, event.shape.value) for event in events] == [
        (0, "rest"),
        (50, "closed"),
        (100, "open"),
        (250, "rest"),
        (600, "closed"),
        (650, "open"),
        (800, "rest"),
    ]
    assert [(mark.start_ms, mark.end_ms, mark.begin) for mark in marks([first, second], 1000)] == [
        (50, 250, 0),
        (600, 800, 2),
    ]


def test_syllables_of_one_figure_share_one_mark() -> None:
    clause = "达到85%以上"
    found = marks(list(spread(pronounce(normalise(clause)), 0, 1000)), 1000)
    assert [clause[mark.begin : mark.end] for mark in found] == ["达", "到", "85%", "以", "上"]
    assert all(here.end_ms == following.start_ms for here, following in itertools.pairwise(found))


def bursts(*spans: tuple[float, float], seconds: float = 3.0) -> np.ndarray:
    """Noise between the given seconds."""
    sound = np.zeros(int(seconds * SPOKEN_RATE), dtype=np.float32)
    random = np.random.default_rng(1)
    for start, end in spans:
        first, last = int(start * SPOKEN_RATE), int(end * SPOKEN_RATE)
        sound[first:last] = random.normal(0, 0.1, last - first)
    return sound


def test_without_times_pauses_are_found_in_the_sound() -> None:
    said = pronounce(normalise("请您，拨打热线"))
    timed = by_energy(said, bursts((0.5, 1.0), (1.5, 2.5)))
    assert timed[0].start_ms == pytest.approx(500, abs=20)
    assert timed[1].end_ms == pytest.approx(1000, abs=20)
    assert timed[2].start_ms == pytest.approx(1500, abs=20)
    assert timed[-1].end_ms == pytest.approx(2500, abs=20)


def test_silence_has_no_times() -> None:
    assert by_energy(pronounce(normalise("您好")), bursts()) == []


def test_loudness_is_even_and_never_clips() -> None:
    for gain in (0.01, 0.3, 3.0):
        levelled = level(bursts((0.2, 2.8)) * gain)
        voiced = levelled[int(0.3 * SPOKEN_RATE) : int(2.7 * SPOKEN_RATE)]
        assert float(np.sqrt(np.mean(voiced**2))) == pytest.approx(TARGET, rel=0.05)
        assert float(np.abs(levelled).max()) < 1.0
    assert not level(np.zeros(1000, dtype=np.float32)).any()


def test_trim_cuts_silence_and_says_how_much() -> None:
    clip, cut, ends = trim(bursts((1.0, 2.0)), ".", 1.0)
    assert cut == pytest.approx(970, abs=15)
    assert ends == pytest.approx(1030, abs=15)
    assert len(clip) / SPOKEN_RATE == pytest.approx(0.03 + 1.0 + 0.06 + 0.32, abs=0.03)
    assert len(trim(bursts((1.0, 2.0)), ",", 1.0)[0]) < len(clip)
    assert len(trim(bursts(), ".", 1.0)[0]) == 0
