"""Clean the plan as it was scraped: rules first, then errata with reasons; nothing else is guessed."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from assistant.errors import KnowledgeError

ERRATA = Path(__file__).parent / "errata.yaml"
EXAMPLES = 3  # examples of each change in a report

_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
_BRACKET = re.compile(rf"([\u3400-\u9fff])\(([a-zü{_TONED}]{{1,6}})\)")
# What no clean Chinese text holds: lost characters, half brackets, readings, a lone letter inside words.
_UNREADABLE = re.compile(
    rf"[?\ufffd^\ue000-\uf8ff\x00-\x08\x0b-\x1f]+|[{_TONED}]+|(?<=[\u3400-\u9fff])[a-z](?=[\u3400-\u9fff])"
)
_DAY = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日")
_NUMBER = re.compile(r".{2,6}〔(\d{4})〕(\d+)号")
_LEAD_END = "原文如下:"
_TAIL_START = "本文编选自"


@dataclass(frozen=True)
class Change:
    """One kind of change: how often it was made, and a few of the places."""

    rule: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class CleanReport:
    """A cleaned text, what was done to it, and what nobody could read."""

    text: str
    changes: tuple[Change, ...]
    unreadable: tuple[tuple[int, str], ...]  # line of the source (from 1), and its surroundings

    def summary(self) -> str:
        """For people, one line a change."""
        lines = [f"{each.rule}: {each.count} ({'; '.join(each.examples)})" for each in self.changes]
        lines += [f"could not read line {line}: {where}" for line, where in self.unreadable]
        return "\n".join(lines if self.unreadable else [*lines, "everything could be read"])


def clean_source(text: str) -> CleanReport:
    """Clean a scraped text: lost indents, readings in brackets, traditional characters, then errata.

    Punctuation stays as it is, so that quotes are faithful. What is still damaged stays too, and is
    reported with its line number in ``text``.
    """
    from opencc import OpenCC

    simplify = OpenCC("t2s").convert
    made: dict[str, list[str]] = defaultdict(list)
    unreadable: list[tuple[int, str]] = []
    lines: list[str] = []
    for number, raw in enumerate(text.replace("\ufeff", "").splitlines(), 1):
        line = raw.strip()
        if line.startswith("??"):
            made["lost indent (??)"].append(line[:8])
            line = line[2:].strip()
        line = _BRACKET.sub(lambda match: _without_reading(match, made["reading in brackets"]), line)
        simplified = simplify(line)
        made["simplified"] += [f"{a} → {b}" for a, b in zip(line, simplified, strict=False) if a != b]
        for entry in errata():
            if entry["find"] in simplified:
                made[f"erratum {entry['find']}"].append(f"{entry['replace']}: {entry['reason']}")
                simplified = simplified.replace(entry["find"], entry["replace"])
        for match in _UNREADABLE.finditer(simplified):
            start = max(0, match.start() - 8)
            unreadable.append((number, f"…{simplified[start : match.end() + 8]}…"))
        if simplified:
            lines.append(simplified)
    changes = (
        Change(rule, len(places), tuple(dict.fromkeys(places))[:EXAMPLES]) for rule, places in made.items() if places
    )
    return CleanReport("\n".join(lines) + "\n", tuple(changes), tuple(unreadable))


def without_readings(text: str) -> tuple[str, list[str]]:
    """The text without readings in brackets, and the places as they were: 財(cái)."""
    places: list[str] = []
    return _BRACKET.sub(lambda match: _without_reading(match, places), text), places


@lru_cache(maxsize=1)
def errata() -> tuple[dict[str, str], ...]:
    """Known damages of the plan's source: find, replace and reason of each."""
    return tuple(yaml.safe_load(ERRATA.read_text(encoding="utf-8")))


def _without_reading(match: re.Match[str], places: list[str]) -> str:
    """The character alone when the bracket is one of its own readings (tone and all); else everything."""
    from pypinyin import Style, pinyin

    character, reading = match.groups()
    readings = pinyin(character, style=Style.TONE, heteronym=True)[0]
    if unicodedata.normalize("NFC", reading) not in readings:
        return match.group()
    places.append(match.group())
    return character


def import_source(source: Path, output: Path) -> str:
    """Write ``plan.md``, and the news agency's words as ``press.md``; returns a report for people.

    Raises KnowledgeError when the file is no text or the plan can't be found in it.
    """
    try:
        report = clean_source(source.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{source} can't be read: {error}.", "Give a UTF-8 text file.") from error
    lead, found, rest = report.text.partition(_LEAD_END)
    if not found:
        lead, rest = "", report.text
    body, tail_mark, tail = rest.partition(_TAIL_START)
    document, markdown = _plan(body.strip().splitlines(), tail)
    output.mkdir(parents=True, exist_ok=True)
    (output / "plan.md").write_text(markdown, encoding="utf-8")
    if found or tail_mark:
        words = [lead.strip() + f"\n{found}".rstrip(), tail_mark + tail.strip()]
        press = _PRESS.format(document=document) + "\n\n".join(word for word in words if word.strip()) + "\n"
        (output / "press.md").write_text(press, encoding="utf-8")
    return report.summary()


_PRESS = """---
id: {document}-press
title: 新闻稿的导语和结尾
index: false  # a news agency's words, not the plan's: kept, never answered from
---

"""


def _plan(lines: list[str], tail: str) -> tuple[str, str]:
    """Document id, and the notice and the plan as Markdown with front matter."""
    title_at = next((i for i, line in enumerate(lines) if line.endswith("方案") and "《" not in line), None)
    number = next((match for line in lines if (match := _NUMBER.fullmatch(line))), None)
    days = [i for i, line in enumerate(lines) if _DAY.fullmatch(line)]
    if title_at is None or number is None or not days or not days[0]:
        raise KnowledgeError("No title, document number and date were found in the source.", "Is this the right file?")
    issuer, drafter = lines[days[0] - 1], lines[days[-1] - 1]
    publisher = re.match(r"“(.+?)”", tail)
    front = {
        "id": f"plan-{number.group(1)}-{number.group(2)}",
        "title": lines[title_at],
        "number": number.group(),
        "issuer": issuer,
        "drafted_by": drafter,
        "issued": _iso(lines[days[0]]),
        "signed": _iso(lines[days[-1]]),
        "source": (publisher.group(1) if publisher else issuer) + "(经新闻稿转载的文本清理而成)",
        "owner": drafter,
        "valid_from": _iso(lines[days[0]]),
        "valid_until": "null  # the plan states no last day: its own deadlines stand with each target",
        "language": "zh-CN",
    }
    out = ["---", *(f"{key}: {value}" for key, value in front.items()), "---", "", f"# {lines[title_at]}", ""]
    for at, line in enumerate(lines):
        article = re.match(r"(\([一二三四五六七八九十]+\)[^。]+。)(.+)$", line)
        if at == title_at:
            continue
        if article:
            out += [f"### {article.group(1)}", "", article.group(2), ""]
        elif re.match(r"[一二三四五六七八九十]+、", line):
            out += [f"## {line}", ""]
        else:
            out += [line, ""]
    return front["id"], "\n".join(out).rstrip() + "\n"


def _iso(day: str) -> str:
    year, month, date = (int(part) for part in re.findall(r"\d+", day))
    return f"{year:04}-{month:02}-{date:02}"
