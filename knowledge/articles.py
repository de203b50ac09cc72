"""A document as a tree: chapters, articles, sentences, each with its path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from assistant.contracts import Document, FactKind, Passage
from knowledge.departments import parse_departments
from knowledge.facts import fact_kinds, gives_orders
from knowledge.targets import find_targets

LONGEST = 400  # characters of one sentence passage; the embedder takes about 650

_NUMERAL = "[零〇一二三四五六七八九十百]+"
_CHAPTER = re.compile(rf"^(?:{_NUMERAL}、|第{_NUMERAL}[章编部]\s*)\S")
_ARTICLE = re.compile(rf"^(?:[(（]({_NUMERAL})[)）]|第({_NUMERAL}|\d+)条[\s、:：]*)\s*(.*)$", re.DOTALL)
_ITEM = re.compile(r"^(\d{1,3})[.、．]\s*(?!\d)(.*)$", re.DOTALL)
_RESPONSIBLE = re.compile(r"[(（]责任(?:部门|单位)[、,，]?(?:单位|部门)?[:：]([^()（）]+)[)）]。?\s*$")
_DAY = re.compile(r"^\d{4}年\d{1,2}月\d{1,2}日$")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0}
_OPEN, _CLOSE = "“「『《(（", "”」』》)）"


@dataclass
class Section:
    """One article before it becomes passages: a heading, its number when it has one, and its body."""

    chapter: str
    heading: str = ""
    number: int | None = None
    paragraphs: list[str] = field(default_factory=list)


def chinese_number(text: str) -> int:
    """二十六 is 26; digits are taken as they are."""
    if text.isdigit():
        return int(text)
    total = digit = 0
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            total += (digit or 1) * {"十": 10, "百": 100}[character]
            digit = 0
    return total + digit


def split_sentences(text: str) -> list[str]:
    """Sentences with their marks; joined they are ``text``. Marks inside quotes and brackets don't end one."""
    out, start, depth = [], 0, 0
    for position, character in enumerate(text):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0 and (character in "。！？!\n" or (character == "?" and position)):
            out.append(text[start : position + 1])
            start = position + 1
    if text[start:]:
        out.append(text[start:])
    return [piece for each in out for piece in _chunks(each)]


def _chunks(sentence: str) -> Iterable[str]:
    """A sentence too long for the embedder, cut at its clauses."""
    while len(sentence) > LONGEST:
        cut = max(sentence.rfind(mark, 0, LONGEST) for mark in "；;，,、 ")
        cut = cut + 1 if cut > LONGEST // 4 else LONGEST
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def sections(body: str) -> tuple[list[str], list[Section]]:
    """Chapter headings and articles of a document's text (without front matter), in order."""
    chapters: list[str] = []
    found: list[Section] = []
    here = Section("")

    def begin(heading: str, number: int | None, rest: str) -> None:
        nonlocal here
        here = Section(chapters[-1] if chapters else "", heading, number, [rest] if rest else [])
        found.append(here)

    for block in re.split(r"\n\s*\n|\n(?=#)|(?<=\n)", body):
        line = re.sub(r"<!--.*?-->", "", block, flags=re.DOTALL).strip()
        if not line or line == "---":
            continue
        mark = re.match(r"^(#{1,6})\s+(.*)$", line, re.DOTALL)
        text = mark.group(2).strip() if mark else line
        article = _ARTICLE.match(text)
        if mark and len(mark.group(1)) == 1 and not article and not _CHAPTER.match(text):
            continue  # the document's title stands in its front matter
        if _CHAPTER.match(text) and len(text) <= 60:
            chapters.append(text)
            here = Section(text)
        elif article:
            number = chinese_number(article.group(1) or article.group(2))
            heading, rest = _heading(text, article.group(3), bool(mark))
            begin(heading, number, rest)
        elif mark:
            if len(mark.group(1)) == 2 and re.search(rf"^###\s", body, re.MULTILINE):
                chapters.append(text)
                here = Section(text)
            else:
                begin(text, None, "")
        elif (item := _ITEM.match(text)) and not (here.heading and here.number):
            heading, rest = _heading(text, item.group(2), False)
            begin(heading, int(item.group(1)), rest)
        elif found and here is found[-1] and not _RESPONSIBLE.search("\n".join(here.paragraphs)):
            here.paragraphs.append(text)
        elif _DAY.match(text) and found and not found[-1].heading and len(found[-1].paragraphs[-1]) <= 20:
            found[-1].paragraphs.append(text)  # who signed and when belong together
        else:
            begin("", None, text)
            here = Section(here.chapter)
    return chapters, found


def _heading(line: str, rest: str, marked: bool) -> tuple[str, str]:
    """Heading and body of ``(一)标题。正文``; a line that is all heading has no body."""
    if marked:
        return line, ""
    head, mark, body = rest.partition("。")
    if mark and body.strip() and len(head) <= 40 and not re.search(r"[,，;；]", head):
        return line[: line.index(rest)] + head, body.strip()
    if not mark and len(line) <= 40:
        return line, ""
    return line[: line.index(rest)].strip() if rest else line, rest


def passages(document: Document, body: str) -> tuple[list[Passage], int, int]:
    """All passages of a document, with the number of its chapters and numbered articles."""
    chapters, found = sections(body)
    out: list[Passage] = []
    shared = {
        "doc": document.id,
        "title": document.title,
        "source": document.source,
        "owner": document.owner,
        "valid_from": document.valid_from,
        "valid_until": document.valid_until,
        "sample": document.sample,
    }
    for order, chapter in enumerate(chapters):
        out.append(
            Passage(
                id=f"{document.id}#chapter-{order + 1}",
                kind="about",
                field="chapter",
                path=(document.title, chapter),
                order=order,
                text=chapter,
                **shared,
            )
        )
    used: set[str] = set()
    numbered = any(section.number is not None for section in found)
    restarts = len({s.number for s in found if s.number}) < sum(s.number is not None for s in found)
    for order, section in enumerate(found):
        if numbered and section.number is None and not section.heading:
            # Around the articles stand the notice, the basis and the signatures.
            text = "\n".join(section.paragraphs)
            about = sum(p.field == "notice" for p in out) + 1
            out.append(
                Passage(
                    id=f"{document.id}#about-{about}",
                    kind="about",
                    field="notice",
                    path=(document.title,),
                    order=about,
                    text=text,
                    fact_kinds=fact_kinds(text),
                    gives_orders=gives_orders(text),
                    **shared,
                )
            )
            continue
        key = str(section.number) if section.number is not None and not restarts else f"s{order + 1}"
        assert key not in used  # noqa: S101 - numbers are unique unless they restart
        used.add(key)
        out += _article(document, section, key, order, shared)
    return out, len(chapters), sum(section.number is not None for section in found)


def _article(
    document: Document, section: Section, key: str, order: int, shared: dict[str, object]
) -> Iterable[Passage]:
    body = "\n".join(section.paragraphs)
    responsible = _RESPONSIBLE.search(body)
    departments = parse_departments(responsible.group(1)) if responsible else ()
    line = responsible.group(0).strip() if responsible else ""
    if responsible:
        body = body[: responsible.start()]
    path = tuple(part for part in (document.title, section.chapter, section.heading) if part)
    article_id = f"{document.id}#{key}"
    common = {**shared, "path": path, "article": section.number, "departments": departments}
    yield Passage(
        id=article_id,
        kind="article",
        order=order,
        text="\n".join(part for part in (section.heading, body, line) if part),
        fact_kinds=fact_kinds(body, departments),
        **common,  # type: ignore[arg-type]
    )
    sentences = [s.strip() for s in split_sentences(body) if s.strip()]
    for index, sentence in enumerate(sentences):
        targets = find_targets(sentence)
        yield Passage(
            id=f"{article_id}.{index + 1}",
            kind="sentence",
            order=index,
            parent=article_id,
            text=sentence,
            targets=targets,
            fact_kinds=fact_kinds(sentence, departments),
            gives_orders=gives_orders(sentence),
            **common,  # type: ignore[arg-type]
        )
    if departments:
        yield Passage(
            id=f"{article_id}.department",
            kind="field",
            field="department",
            order=len(sentences),
            parent=article_id,
            text=line,
            fact_kinds=(FactKind.DEPARTMENT,),
            **common,  # type: ignore[arg-type]
        )
