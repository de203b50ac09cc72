from __future__ import annotations

import pytest

from assistant.speak.english import letter_phonemes, phonemes
from assistant.speak.normalise import normalise
from assistant.speak.pronounce import Pause, Syllable, Word, near_mandarin, pronounce
from assistant.speak.readings import readings
from assistant.speak.sandhi import sandhi


def pinyin(clause: str) -> str:
    return " ".join(f"{s.pinyin}{s.tone}" for s in pronounce(normalise(clause)) if isinstance(s, Syllable))


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("行动方案", "xing2 dong4 fang1 an4"),
        ("去银行办理", "qu4 yin2 hang2 ban4 li3"),
        ("长护险", "chang2 hu4 xian3"),
        ("长者食堂", "zhang3 zhe3 shi2 tang2"),
        ("重新申请", "chong2 xin1 shen1 qing3"),
        ("重点任务", "zhong4 dian3 ren4 wu4"),
        ("街道办事处", "jie1 dao4 ban4 shi4 chu4"),
        ("处理完毕", "chu3 li3 wan2 bi4"),
        ("还需要", "hai2 xu1 yao4"),
        ("归还押金", "gui1 huan2 ya1 jin1"),
        ("为老服务", "wei4 lao3 fu2 wu4"),
        ("以此为准", "yi3 ci3 wei2 zhun3"),
        ("便民服务", "bian4 min2 fu2 wu4"),
        ("覆盖率", "fu4 gai4 lv4"),
        ("人民调解", "ren2 min2 tiao2 jie3"),
        ("110", "yao1 yao1 ling2"),
    ],
)
def test_words_with_several_readings(clause: str, expected: str) -> None:
    assert pinyin(clause) == expected


def test_every_word_of_the_table_has_a_syllable_for_each_character() -> None:
    for word, said in readings().pinyin.items():
        assert len(word) == len(said), word
        assert all(syllable[-1] in "12345" for syllable in said), word


def test_sounds_point_at_what_is_displayed() -> None:
    clause = "达到85%。"
    sounds = pronounce(normalise(clause))
    percent = [s for s in sounds if (s.begin, s.end) == (2, 5)]
    assert [s.pinyin for s in percent if isinstance(s, Syllable)] == ["bai", "fen", "zhi", "ba", "shi", "wu"]
    assert isinstance(sounds[-1], Pause)
    assert sounds[-1].sign == "."


@pytest.mark.parametrize(
    ("pinyin_of", "initial", "final"),
    [
        ("liu", "l", "iou"),
        ("gui", "g", "uei"),
        ("dun", "d", "uen"),
        ("yu", "", "v"),
        ("ju", "j", "v"),
        ("wu", "", "u"),
        ("yan", "", "ian"),
        ("lv", "l", "v"),
        ("er", "", "er"),
        ("xiong", "x", "iong"),
    ],
)
def test_syllables_come_apart(pinyin_of: str, initial: str, final: str) -> None:
    syllable = Syllable(0, 1, pinyin_of, 1)
    assert (syllable.initial, syllable.final) == (initial, final)


def test_third_tones_rise() -> None:
    def tones(clause: str) -> str:
        return "".join(
            str(s.tone) for s in sandhi(list(near_mandarin(pronounce(normalise(clause))))) if isinstance(s, Syllable)
        )  # type: ignore[arg-type]

    assert tones("您好") == "23"
    assert tones("你好") == "23"
    assert tones("展览馆") == "223"


def test_letters_come_near_in_mandarin_and_words_only_when_asked() -> None:
    sounds = pronounce(normalise("学习CPR"))
    assert [s.text for s in sounds if isinstance(s, Word)] == ["C", "P", "R"]
    assert not [s for s in near_mandarin(sounds) if isinstance(s, Word)]
    english = pronounce(normalise("Please call us"))
    assert len([s for s in near_mandarin(english, words=False) if isinstance(s, Word)]) == 3


def test_english_words_have_phonemes() -> None:
    assert phonemes("hello") == "həlˈO"
    assert phonemes("subsidies").endswith("z")
    assert phonemes("Jiamenkou")
    assert phonemes("hotline's") == phonemes("hotline") + "z"
    assert letter_phonemes("B")
