"""A document as a tree: chapters and articles, each with its heading, number and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from assistant.numerals import number_of

_NUMERAL = "[零〇一二三四五六七八九十百]+"
_PART = re.compile(rf"(?:({_NUMERAL})、|第({_NUMERAL}|\d+)[章编部](?:分)?[\s、:：]*)(.*)", re.DOTALL)
_ARTICLE = re.compile(rf"(?:[(（]({_NUMERAL})[)）]|第({_NUMERAL}|\d+)条[\s、:：]*)(.*)", re.DOTALL)
_ITEM = re.compile(r"(\d{1,3})(?:[、．]|\.(?!\d))()\s*(.*)", re.DOTALL)
_MARKDOWN = re.compile(r"(#{1,6})\s+(.*)", re.DOTALL)
_DAY = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日")
_RESPONSIBLE = re.compile(
    r"[(（](?:责任|牵头|主责)(?:部门|单位)(?:[、,，和](?:部门|单位))?[:：]([^()（）]+)[)）]。?\s*$"
)
_UNFINISHED = re.compile(r"[^。！？!?；;：:…”」）)\]|]$")

Role = Literal["title", "chapter", "article", "text"]


@dataclass
class Section:
    """One article, or loose text around the articles (``around``: notice, basis, signatures)."""

    chapter: str = ""
    heading: str = ""  # as written: (十四)构建老年友好型社会。
    number: int | None = None
    paragraphs: list[str] = field(default_factory=list)
    around: bool = False

    @property
    def body(self) -> str:
        """Its paragraphs, one a line, without the line of who is responsible."""
        text = "\n".join(self.paragraphs)
        found = _RESPONSIBLE.search(text)
        return text[: found.start()].rstrip() if found else text

    @property
    def responsible(self) -> tuple[str, str]:
        """The line of who is responsible as written, and the list in it; empty where there is none."""
        found = _RESPONSIBLE.search("\n".join(self.paragraphs))
        return (found.group().strip(), found.group(1)) if found else ("", "")


@dataclass(frozen=True)
class Tree:
    """A document's chapters (their headings) and sections, in order."""

    chapters: tuple[str, ...]
    sections: tuple[Section, ...]


def read_tree(body: str) -> Tree:
    """The tree of a document's text (without front matter).

    Takes 一、(一) 1. and 第一章 第一条 in half or full width, Markdown headings, and plain
    text, of which each paragraph is a section without a number.
    """
    lines = _lines(body)
    role = _roles(lines)
    chapters: list[str] = []
    sections: list[Section] = []
    open_section: Section | None = None
    for line in lines:
        kind = role(line)
        text = _bare(line)
        if kind == "title":
            open_section = None
        elif kind == "chapter":
            heading, rest = _heading(text, _PART.fullmatch(text), bool(_MARKDOWN.fullmatch(line)))
            chapters.append(heading.rstrip("。"))
            open_section = None
            if rest:
                open_section = Section(chapters[-1], paragraphs=[rest])
                sections.append(open_section)
        elif kind == "article":
            match = _ARTICLE.fullmatch(text) or _PART.fullmatch(text) or _ITEM.fullmatch(text)
            heading, rest = _heading(text, match, bool(_MARKDOWN.fullmatch(line)))
            number = number_of(match.group(1) or match.group(2)) if match else None
            chapter = chapters[-1] if chapters else ""
            open_section = Section(chapter, heading, number, [rest] if rest else [])
            sections.append(open_section)
        elif open_section is not None and not open_section.responsible[0]:
            open_section.paragraphs.append(text)
        elif _DAY.fullmatch(text) and sections and sections[-1].around and len(sections[-1].body) <= 30:
            sections[-1].paragraphs.append(text)  # who signed and when belong together
        else:
            loose = bool(chapters) and open_section is None  # an unnumbered paragraph of this chapter
            sections.append(Section(chapters[-1] if loose else "", paragraphs=[text], around=not loose))
    _part_signature(sections)
    if not any(section.heading or section.number is not None for section in sections):
        sections = [Section(s.chapter, paragraphs=s.paragraphs) for s in sections]
    return Tree(tuple(chapters), tuple(s for s in sections if s.paragraphs or s.heading))


def _lines(body: str) -> list[str]:
    """Paragraphs; a line that was wrapped in the middle of a sentence is joined to the next one."""
    out: list[str] = []
    wrapped = False
    for raw in re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL).splitlines():
        line = re.sub(r"^[-*+]\s+|\*\*", "", raw.strip())
        if re.fullmatch(r"[-*_]{3,}", raw.strip()):
            line = ""
        starts = any(form.fullmatch(line) for form in (_MARKDOWN, _PART, _ARTICLE, _ITEM)) or line != raw.strip()
        if wrapped and line and not starts and not _DAY.fullmatch(line):
            latin = out[-1][-1].isascii() and line[0].isascii()
            out[-1] += (" " if latin else "") + line
        elif line:
            out.append(line)
        wrapped = bool(line) and len(line) > 30 and not _MARKDOWN.match(line) and bool(_UNFINISHED.search(line))
    return out


def _roles(lines: list[str]) -> Callable[[str], Role]:
    """Which line is what, decided by the marks that the whole document uses."""
    texts = [_bare(line) for line in lines]
    has_articles = any(_ARTICLE.fullmatch(text) for text in texts)
    has_clauses = any((match := _ARTICLE.fullmatch(text)) and match.group(2) for text in texts)
    has_parts = any(_PART.fullmatch(text) for text in texts)
    depths = [len(mark.group(1)) for line in lines if (mark := _MARKDOWN.fullmatch(line))]
    title = bool(depths) and depths[0] == 1 and depths.count(1) == 1
    levels = sorted(set(depths) - ({1} if title else set()))
    items_count = not has_articles and not levels

    def role(line: str) -> Role:
        text, mark = _bare(line), _MARKDOWN.fullmatch(line)
        article = _ARTICLE.fullmatch(text)
        if article and has_clauses and not article.group(2):
            return "text"  # (一) is an item of 第一条 where there are such
        if article:
            return "article"
        if _PART.fullmatch(text):
            return "chapter" if has_articles or len(levels) > 1 or _has_items(texts, items_count) else "article"
        if items_count and _ITEM.fullmatch(text):
            return "article"
        if mark is None:
            return "text"
        depth = len(mark.group(1))
        if title and depth == 1:
            return "title"
        if len(levels) > 1 and not (has_parts and not has_articles):
            return {levels[0]: "chapter", levels[1]: "article"}.get(depth, "text")  # type: ignore[return-value]
        return "article"

    return role


def _has_items(texts: list[str], items_count: bool) -> bool:
    return items_count and any(_ITEM.fullmatch(text) for text in texts)


def _bare(line: str) -> str:
    mark = _MARKDOWN.fullmatch(line)
    return mark.group(2).strip() if mark else line


def _heading(line: str, match: re.Match[str] | None, marked: bool) -> tuple[str, str]:
    """Heading and body of ``(一)标题。正文``: a short first sentence that others follow is a heading."""
    if marked or match is None:
        return line, ""
    rest = match.group(3)
    label = line[: len(line) - len(rest)]
    head, mark, body = rest.partition("。")
    if mark and body.strip() and len(head) <= 40 and not re.search(r"[,，;；]", head):
        return f"{label}{head}。", body.strip()
    if not mark and len(line) <= 40 and not re.search(r"[！？!?]$", rest):
        return line, ""
    return label.strip(), rest.strip()


def _part_signature(sections: list[Section]) -> None:
    """Take who signed, and when, off the last article."""
    if not sections or sections[-1].around or len(sections[-1].paragraphs) < 3:
        return
    *_, signer, day = sections[-1].paragraphs
    if _DAY.fullmatch(day) and len(signer) <= 30 and _UNFINISHED.search(signer):
        del sections[-1].paragraphs[-2:]
        sections.append(Section(paragraphs=[signer, day], around=True))
