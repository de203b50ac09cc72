"""Plain text and Markdown as blocks; HTML tags, pictures and links in Markdown become plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from assistant.errors import IntakeError
from knowledge.intake.blocks import Block, Grid, plain
from knowledge.intake.limits import Desk
from knowledge.intake.values import Place

LONGEST_FRONT = 16_384

_DROPPED = r"script|style|iframe|object|embed|template|svg|math|noscript|form|textarea|select|applet|frameset"
_DROP = re.compile(rf"<({_DROPPED})\b[^>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:-]*(?:\s[^<>]*)?/?>")
# Lengths are bounded, so that a file full of brackets costs no more than its size.
_IMAGE = re.compile(r"!\[([^\[\]]{0,300})\]\([^()]{0,2000}(?:\([^()]{0,500}\)[^()]{0,500})?\)")
_LINK = re.compile(r"(?<!!)\[([^\[\]]{1,300})\]\([^()]{0,2000}(?:\([^()]{0,500}\)[^()]{0,500})?\)")
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")


def read_text(text: str, desk: Desk) -> list[Block]:
    """Each line of a plain text; empty lines part paragraphs."""
    out: list[Block] = []
    empty = True
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            out.append(Block(line.strip(), place=Place(line=number), close=not empty))
        empty = not line.strip()
        if number % 2000 == 0:
            desk.progress(number, len(lines), "行")
    return out


def read_markdown(text: str, desk: Desk) -> tuple[list[Block], dict[str, str]]:
    """Blocks, and the front matter's plain values."""
    front, body, first = _front(text, desk)
    body, dropped = _DROP.subn("", body)
    body, tags = _TAG.subn("", body)
    if dropped or tags:
        desk.warn("html", f"文本里夹着网页代码，去掉了 {dropped + tags} 处，只留下文字。")
    body, images = _IMAGE.subn(r"\1", body)
    if images:
        desk.note("images", f"有 {images} 张图片，图片没有收进来。", "如果图片里有文字，请打成文字补上。")
    body = _LINK.sub(lambda match: match.group(1), body)
    return list(_blocks(body, first, desk)), front


def _blocks(body: str, first: int, desk: Desk) -> Iterator[Block]:
    lines = body.split("\n")
    at, empty, caption = 0, True, ""
    while at < len(lines):
        line, place = lines[at].strip(), Place(line=first + at)
        heading = _HEADING.fullmatch(line)
        if line.startswith("|") or (at + 1 < len(lines) and "|" in line and _is_rule(lines[at + 1])):
            rows: list[list[str]] = []
            while at < len(lines) and "|" in lines[at]:
                if not _is_rule(lines[at]):
                    rows.append([plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", _edges(lines[at]))])
                at += 1
            yield Block(place=place, grid=Grid(rows, caption))
            empty = True
            continue
        if line.startswith(("```", "~~~")):
            line = ""
        if heading:
            caption = _unmarked(heading.group(2))
            yield Block(caption, len(heading.group(1)), place)
        elif line and not re.fullmatch(r"[-*_=]{3,}", line):
            yield Block(_unmarked(re.sub(r"^(?:>\s*)+", "", line)), 0, place, close=not empty)
        empty = not line or bool(heading)
        at += 1
        if at % 2000 == 0:
            desk.progress(at, len(lines), "行")


def _is_rule(line: str) -> bool:
    return "-" in line and "|" in line and len(line) < 2000 and bool(_RULE.fullmatch(line.strip()))


def _edges(line: str) -> str:
    return line.strip().removeprefix("|").removesuffix("|")


def _unmarked(line: str) -> str:
    """Without the marks of bold, italic and code."""
    line = re.sub(r"(\*{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1", r"\2", line)
    return re.sub(r"^[-*+]\s+(?:\[[ xX]\]\s+)?", "", line).strip()


def _front(text: str, desk: Desk) -> tuple[dict[str, str], str, int]:
    """Front matter (only names with plain values), the text below it, and the number of its first line."""
    match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None or ":" not in match.group(1):
        return {}, text, 1
    raw, body = match.group(1), text[match.end() :]
    first = 1 + match.group(0).count("\n")
    if len(raw) > LONGEST_FRONT:
        raise IntakeError("文件开头的信息栏太长，不像正常文档。", "请删去两行 --- 之间的内容，再上传。", code="front")
    try:
        return _flat(raw), body, first
    except (yaml.YAMLError, ValueError, RecursionError):
        desk.warn("front", "文件开头的信息栏（两行 --- 之间）读不懂，没有采用。", "请在预览里重新填写。")
        return {}, body, first


def _flat(raw: str) -> dict[str, str]:
    """A flat table of plain values, read event by event: no aliases, no nesting, no tags."""
    values: list[str] = []
    depth = 0
    for event in yaml.parse(raw, yaml.SafeLoader):  # lazily: the first thing that is nested ends it
        if isinstance(event, yaml.ScalarEvent) and depth:
            values.append(event.value)
        elif isinstance(event, yaml.MappingStartEvent) and not depth:
            depth = 1
        elif isinstance(event, yaml.NodeEvent):
            raise ValueError("nested")
    return {key: "" if value in ("null", "~") else value for key, value in zip(values[::2], values[1::2], strict=True)}
