"""Clean the plan as it was scraped: rules first, then errata with reasons; nothing else is guessed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from assistant.errors import KnowledgeError

ERRATA = Path(__file__).parent / "errata.yaml"

_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿ"
_PINYIN = re.compile(rf"(?<=[\u3400-\u9fff])\(([a-z{_TONED}]{{1,6}})\)")
_INDENT = re.compile(r"^\?\?", re.MULTILINE)
# OpenCC takes these for words they are not in this kind of text.
_LEAD_END = "原文如下:"
_TAIL_START = "本文编选自"


@dataclass(frozen=True)
class CleanReport:
    """A cleaned text and what was done to it."""

    text: str
    changes: tuple[tuple[str, int], ...]  # what was done, how often
    unreadable: tuple[str, ...]  # line number and surroundings of what could not be read

    def summary(self) -> str:
        """For people."""
        lines = [f"{what}: {count}" for what, count in self.changes]
        lines += [f"could not read {place}" for place in self.unreadable] or ["everything could be read"]
        return "\n".join(lines)


def clean_source(text: str) -> CleanReport:
    """Clean a scraped text; punctuation stays as it is, so that quotes are faithful."""
    from opencc import OpenCC

    changes: Counter[str] = Counter()
    for entry in yaml.safe_load(ERRATA.read_text(encoding="utf-8")):
        count = text.count(entry["find"])
        if count:
            text = text.replace(entry["find"], entry["replace"])
            changes[f"erratum {entry['find']} → {entry['replace']}"] = count
    text, changes["lost indents (??)"] = _INDENT.subn("", text)
    text, changes["pinyin in brackets"] = _PINYIN.subn("", text)
    simplified = OpenCC("t2s").convert(text)
    changes["characters simplified"] = sum(a != b for a, b in zip(text, simplified, strict=False))
    lines = [line.strip() for line in simplified.splitlines()]
    text = "\n".join(line for line in lines if line) + "\n"
    unreadable = tuple(
        f"line {number}: …{line[max(0, at.start() - 8) : at.end() + 8]}…"
        for number, line in enumerate(text.splitlines(), 1)
        for at in re.finditer(rf"\?+|\ufffd|[{_TONED}]+", line)
    )
    return CleanReport(text, tuple((what, n) for what, n in changes.items() if n), unreadable)


def import_source(source: Path, output: Path) -> str:
    """Write ``plan.md`` and ``press.md`` from a scraped notice; returns a report for people.

    Raises KnowledgeError when the file is no text or the plan can't be found in it.
    """
    try:
        report = clean_source(source.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{source} can't be read: {error}.", "Give a UTF-8 text file.") from error
    lead, found, rest = report.text.partition(_LEAD_END)
    if not found:
        lead, rest = "", report.text
    body, _, tail = rest.partition(_TAIL_START)
    plan = _plan(body.strip().splitlines())
    output.mkdir(parents=True, exist_ok=True)
    (output / "plan.md").write_text(plan, encoding="utf-8")
    if lead or tail:
        press = f"{lead.strip()}\n\n{_TAIL_START}{tail.strip()}\n" if tail else f"{lead.strip()}\n"
        (output / "press.md").write_text(_PRESS + press, encoding="utf-8")
    return report.summary()


_PRESS = """---
id: plan-2022-23-press
title: 新闻稿的导语和结尾
kind: press
index: false  # a news agency's words, not the plan's: kept, never answered from
---

"""


def _plan(lines: list[str]) -> str:
    """The notice and the plan as Markdown with front matter."""
    title_at = next((i for i, line in enumerate(lines) if line.endswith("方案") and "《" not in line), None)
    number = next((line for line in lines if re.fullmatch(r".{2,6}〔\d{4}〕\d+号", line)), "")
    if title_at is None or not number:
        raise KnowledgeError("No title and document number were found in the source.", "Is this the right file?")
    dates = [line for line in lines if re.fullmatch(r"\d{4}年\d{1,2}月\d{1,2}日", line)]
    issuers = [lines[i - 1] for i, line in enumerate(lines) if line in dates]
    year, month, day = (int(part) for part in re.findall(r"\d+", dates[0]))
    document = re.search(r"〔(\d{4})〕(\d+)号", number)
    front = {
        "id": f"plan-{document.group(1)}-{document.group(2)}" if document else "plan",
        "title": lines[title_at],
        "number": number,
        "issuer": issuers[0],
        "drafted_by": issuers[-1],
        "issued": f"{year:04}-{month:02}-{day:02}",
        "source": "上海市人民政府官网(经新闻稿转载的文本清理而成)",
        "valid_from": f"{year:04}-{month:02}-{day:02}",
        "valid_until": None,
        "owner": issuers[-1],
        "language": "zh-CN",
    }
    out = [yaml.safe_dump(front, allow_unicode=True, sort_keys=False).strip()]
    out = ["---", *out, "# The plan states no last day: its own deadlines stand with each target.", "---", ""]
    out += [f"# {lines[title_at]}", "", "<!-- notice -->", ""]
    for line in lines[:title_at]:
        out += [line, ""]
    out += ["<!-- plan -->", ""]
    for line in lines[title_at + 1 :]:
        article = re.match(r"(\([一二三四五六七八九十]+\)[^。]+)。(.+)$", line)
        if article:
            out += [f"### {article.group(1)}", "", article.group(2), ""]
        elif re.match(r"[一二三四五六七八九十]+、", line):
            out += [f"## {line}", ""]
        elif line in issuers or line in dates:
            out += [line, ""]
        else:
            out += [line, ""]
    return "\n".join(out).rstrip() + "\n"
