"""Recognise an emergency in what a resident says: rules first, then a learned sense of danger."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from assistant.contracts import Language
from assistant.understand.clean import HAN, detect_language, tidy
from assistant.understand.danger import danger

RULES = Path(__file__).with_name("emergencies.yaml")

_GAPS = {"zh": r"[^。！？!?]{0,6}?", "en": r"[^.!?]{0,30}?"}
_LONG_GAPS = {"zh": r"[^。！？!?]{0,14}?", "en": r"[^.!?]{0,60}?"}
_ENDS = {"zh": re.compile(r"(?<=[。！？!?；;])(?!$)"), "en": re.compile(r"(?<=[.!?;])\s+")}
_TAKEN_OUT = "○"  # stands where a harmless phrase was, so that no pattern reaches across
_DENIAL = 4  # points that a denial before, or a topic after, takes from one match

# Shanghainese as people type it, and stammering, brought to what the patterns know.
_DIALECT = (
    (re.compile("勿"), "不"),
    (re.compile("呒没|呒不|冇"), "没"),
    (re.compile("咗"), "了"),
    (re.compile("唔"), "不"),
    (re.compile("啲"), "点"),
    (re.compile("喺"), "在"),
    (re.compile("伊拉"), "他们"),
    (re.compile("伊(?!斯|朗|拉克|始|甸)"), "他"),
    (re.compile("辰光"), "时候"),
    (re.compile("伐(?!木)"), "吗"),
    (re.compile("侬"), "你"),
    (re.compile("[特脱忒]了"), "掉了"),
    (re.compile(rf"([{HAN}])[、，,.…—\-\s]+(?=\1)"), ""),  # 着、着火了
)
_ENOUGH = 8  # characters from which what was learned counts in full
_RAMBLING = 120  # characters beyond which only the rules are sure enough
_NUMERAL = re.compile("[一二两三四五六七八九十百千万]")
_APOSTROPHES = re.compile("['’‘`´]")
_SPACES = re.compile(rf"(?<=[{HAN}]) +|(?<![A-Za-z]) +(?=[{HAN}])")


@dataclass(frozen=True)
class Emergency:
    """What happened, whom to ring, and what to say: two short sentences in the speaker's language."""

    kind: str  # fire, gas, medical, self_harm, crime, violence, fraud, missing_person, trapped, traffic, help
    number: str
    answer: str
    hotlines: tuple[str, ...]


@dataclass(frozen=True)
class _Rule:
    kind: str
    points: int
    say: str
    patterns: dict[str, re.Pattern[str]]


@dataclass(frozen=True)
class _Cue:
    name: str
    points: int
    more: int  # for each further hit
    needs: str  # another cue without which this one counts nothing
    patterns: dict[str, re.Pattern[str]]


@dataclass
class _Rules:
    threshold: int
    sounds_like_cost: int
    harmless: dict[str, re.Pattern[str]]
    denied: dict[str, re.Pattern[str]]
    topic: dict[str, re.Pattern[str]]
    cues: list[_Cue]
    rules: list[_Rule]
    kinds: dict[str, dict[str, Any]]
    asks: dict[str, re.Pattern[str]]  # the saying asks something
    sense_asks: int
    sense_threshold: float
    by_sound: dict[str, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)
    real_words: frozenset[str] = frozenset()


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    """The rules, read and compiled once."""
    data = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    words: dict[str, str] = data["words"]

    def compiled(source: str | list[str] | None, language: str) -> re.Pattern[str]:
        text = source if isinstance(source, str) else "|".join(source or ["(?!)"])
        while found := re.search(r"<(\w+)>", text):
            text = text.replace(found[0], f"({words[found[1]]})")
        text = text.replace("~~", _LONG_GAPS[language]).replace("~", _GAPS[language])
        text = re.sub(r"(?<!\\)\((?!\?)", "(?:", text)
        return re.compile(text if language == "zh" else rf"(?<!\w)(?:{text})(?!\w)")

    def both(item: dict[str, Any]) -> dict[str, re.Pattern[str]]:
        return {language: compiled(item.get(language), language) for language in ("zh", "en")}

    def plain(item: dict[str, Any]) -> dict[str, re.Pattern[str]]:
        return {
            language: re.compile(item[language] if isinstance(item[language], str) else "|".join(item[language]))
            for language in ("zh", "en")
        }

    rules = [
        _Rule(kind, rule["points"], rule.get("say", ""), both(rule))
        for kind, item in data["kinds"].items()
        for rule in item["rules"]
    ]
    cues = [
        _Cue(
            cue["name"],
            cue["points"],
            cue.get("more", 0),
            cue.get("needs", ""),
            {"zh": compiled(cue["zh"], "zh"), "en": re.compile(cue["en"])}
            if "en" in cue
            else {"zh": compiled(cue["zh"], "zh"), "en": re.compile("(?!)")},
        )
        for cue in data["cues"]
    ]
    built = _Rules(
        data["threshold"],
        data["sounds_like_cost"],
        plain(data["harmless"]),
        plain(data["denied"]),
        plain(data["topic"]),
        cues,
        rules,
        data["kinds"],
        plain(data["sense"]),
        data["sense"]["asks"],
        data["sense"]["threshold"],
    )
    from pypinyin import lazy_pinyin

    for word in data["sounds_like"]["words"]:
        syllables = lazy_pinyin(word)
        sounds = tuple(_blurred(syllable) if len(word) > 2 else syllable for syllable in syllables)
        built.by_sound.setdefault(sounds[0], []).append((sounds, word))
    built.real_words = frozenset(data["sounds_like"]["never"])
    return built


@lru_cache(maxsize=8192)
def _reading(character: str) -> str:
    """The usual pinyin syllable of ``character``, without tone; '' if it has none."""
    from pypinyin.constants import PINYIN_DICT

    marked = PINYIN_DICT.get(ord(character), "").split(",")[0]
    return "".join(mark for mark in unicodedata.normalize("NFD", marked) if not unicodedata.combining(mark))


def _blurred(syllable: str) -> str:
    """``syllable`` as many southern speakers say it: zh is z, ng is n."""
    if syllable[:2] in ("zh", "ch", "sh"):
        syllable = syllable[0] + syllable[2:]
    return syllable[:-1] if syllable.endswith("ng") else syllable


def _as_it_sounds(text: str, rules: _Rules) -> str:
    """``text`` with misheard words put right: 找火了 becomes 着火了; '' when nothing was misheard."""
    from pypinyin.constants import PHRASES_DICT

    exact = [_reading(character) for character in text]
    blurred = [_blurred(sound) for sound in exact]
    repaired = list(text)
    changed = False
    for start, head in enumerate(exact):
        for sounded, word in (*rules.by_sound.get(head, ()), *rules.by_sound.get(blurred[start], ())):
            end = start + len(word)
            span = text[start:end]
            if span == word or len(span) < len(word) or span in rules.real_words:
                continue
            if tuple((exact if len(word) == 2 else blurred)[start:end]) != sounded or _NUMERAL.search(span):
                continue
            pairs = (text[at : at + 2] for at in range(max(0, start - 1), end))
            if any(pair in PHRASES_DICT and pair not in word for pair in pairs):
                continue  # a real word, said on purpose
            repaired[start:end] = word
            changed = True
    return "".join(repaired) if changed else ""


def _plain(text: str, language: str) -> str:
    text = text.lower()
    if language == "en":
        return _APOSTROPHES.sub("", text)
    text = _SPACES.sub("", text)
    for pattern, standard in _DIALECT:
        text = pattern.sub(standard, text)
    return text


def _matches(sentence: str, language: str, rules: _Rules) -> Iterator[tuple[int, _Rule, str]]:
    """Each rule that matches ``sentence``, with its points less denials, and what the match leaves."""
    bare = rules.harmless[language].sub(_TAKEN_OUT, sentence)
    for rule in rules.rules:
        best, rest = -99, ""
        for match in rule.patterns[language].finditer(bare):
            points = rule.points
            if rules.denied[language].search(bare[max(0, match.start() - 12) : match.start()]):
                points -= _DENIAL
            if rules.topic[language].match(bare[match.end() : match.end() + 16]):
                points -= _DENIAL
            if points > best:
                best, rest = points, bare[: match.start()] + _TAKEN_OUT + bare[match.end() :]
        if best > -99:
            yield best, rule, rest


def _cues(sentence: str, language: str, rules: _Rules) -> dict[str, int]:
    """Points of each cue that ``sentence`` holds."""
    found: dict[str, int] = {}
    for cue in rules.cues:
        hits = {match[0] for match in cue.patterns[language].finditer(sentence)}
        if hits and (not cue.needs or cue.needs in found):
            found[cue.name] = cue.points + cue.more * min(len(hits) - 1, 2)
    return found


def _best(text: str, language: str, rules: _Rules) -> tuple[int, _Rule] | None:
    """The rule with the most points over all sentences of ``text``."""
    best: tuple[int, _Rule] | None = None
    for sentence in _ENDS[language].split(_plain(text, language)):
        cues: dict[str, int] | None = None
        for points, rule, rest in _matches(sentence.strip(), language, rules):
            cues = _cues(sentence, language, rules) if cues is None else cues
            about = cues
            if "information" in cues:  # words of the danger itself don't make it a query
                about = {**cues, "information": _cues(rest, language, rules).get("information", 0)}
            ignored = rules.kinds[rule.kind].get("ignores", ())
            total = points + sum(value for name, value in about.items() if name not in ignored)
            if best is None or total > best[0]:
                best = total, rule
    return best


def _sensed(text: str, rules: _Rules) -> str:
    """The kind of emergency that ``text`` sounds like though no rule knows it; '' for none."""
    language = "en" if detect_language(text) is Language.ENGLISH else "zh"
    said = _plain(text, language)
    bare = bare_text(text)
    if len(bare) > _RAMBLING:
        return ""
    odds = danger().score(bare) * min(1.0, len(bare) / _ENOUGH)
    odds += sum(min(points, 0) for points in _cues(said, language, rules).values())
    odds += rules.sense_asks if rules.asks[language].search(said) else 0
    return danger().kind(bare) if odds >= rules.sense_threshold else ""


def recognise_emergency(text: str) -> Emergency | None:
    """The emergency that ``text`` (Chinese, English, or both) tells of, if any."""
    rules = _rules()
    text = tidy(text)
    found = []
    if re.search(r"[A-Za-z]{2}", text):
        found.append(_best(text, "en", rules))
    if re.search(rf"[{HAN}0-9]", text):
        found.append(_best(text, "zh", rules))
    best = max((item for item in found if item), key=lambda item: item[0], default=None)
    if (best is None or best[0] < rules.threshold) and (repaired := _as_it_sounds(_plain(text, "zh"), rules)):
        heard = _best(repaired, "zh", rules)
        best = (heard[0] - rules.sounds_like_cost, heard[1]) if heard else best
    if best is not None and best[0] >= rules.threshold:
        return _emergency(best[1].kind, best[1].say, text, rules)
    sensed = _sensed(text, rules)
    return _emergency(sensed, "", text, rules) if sensed else None


def _emergency(kind: str, say: str, text: str, rules: _Rules) -> Emergency:
    item = rules.kinds[kind]
    language = "en" if detect_language(text) is Language.ENGLISH else "zh"
    said = item["say"][say] if say else item
    return Emergency(kind, item["number"], said[language], tuple(item["hotlines"]))


def examples() -> tuple[str, ...]:
    """One saying of each kind of emergency, as the rules' own tests have them."""
    kinds = _rules().kinds.values()
    return tuple(text for kind in kinds for text in kind.get("examples", ()))


def prepare() -> None:
    """Read and compile the rules, so that the first question doesn't wait for it (about half a second)."""
    _rules()
    _reading("一")
    danger()


def bare_text(text: str) -> str:
    """``text`` plain and without harmless phrases, as the learned sense of danger reads it."""
    harmless = _rules().harmless
    return harmless["en"].sub(_TAKEN_OUT, harmless["zh"].sub(_TAKEN_OUT, _plain(tidy(text), "zh")))
