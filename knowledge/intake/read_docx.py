"""A Word document as blocks: headings by style, numbers that Word counts, tables; no macros, no links."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from typing import Any

from docx import Document
from docx.opc.exceptions import OpcError
from lxml.etree import LxmlError

from assistant.errors import IntakeError
from knowledge.intake.archive import check_archive
from knowledge.intake.blocks import Block, Grid, plain
from knowledge.intake.docx_numbers import Numbers
from knowledge.intake.limits import Desk
from knowledge.intake.values import Place

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HINT = "请用 Word 或 WPS 打开原文件，重新另存为 .docx 再上传。"


def read_docx(data: bytes, desk: Desk) -> list[Block]:
    """Headings, paragraphs and tables in order.

    Deleted and hidden text is left out, inserted text is kept; both are noted. Raises IntakeError
    for a file that is dangerous or broken.
    """
    check_archive(data, desk)
    try:
        document = Document(BytesIO(data))
        reader = _Reader(document, desk)
        return reader.blocks()
    except (OpcError, LxmlError, KeyError, ValueError, AttributeError, TypeError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, ValueError) and "content type" in str(error):
            raise IntakeError("这不是普通的 Word 文档（可能是模板或带宏）。", _HINT, code="macro") from error
        raise IntakeError("这个 Word 文档坏了，读不出来。", _HINT, code="broken") from error


class _Reader:
    def __init__(self, document: Any, desk: Desk) -> None:
        self.desk = desk
        self.body = document.element.body
        self.levels = _heading_levels(document)
        self.style_numbers = _style_numbers(document)
        part = next((p for p in document.part.package.iter_parts() if str(p.partname).endswith("/numbering.xml")), None)
        self.numbers = Numbers(getattr(part, "element", None))
        self.hidden: list[str] = []
        self.paragraph = 0

    def blocks(self) -> list[Block]:
        out: list[Block] = []
        children = list(_parts(self.body))
        for at, child in enumerate(children):
            if at % 200 == 0:
                self.desk.progress(at, len(children), "段")
            if child.tag == f"{_W}tbl":
                if grid := self._table(child):
                    before = out[-1].text if out and len(out[-1].text) <= 40 else ""
                    out.append(Block(place=Place(line=self.paragraph + 1), grid=Grid(grid, before)))
                continue
            self.paragraph += 1
            style = _style(child)
            label = self.numbers.label(_properties(child, self.style_numbers.get(style)))
            for line in self._text(child).split("\n"):
                if text := plain(line):
                    out.append(Block(label + text, self.levels.get(style, 0), Place(line=self.paragraph)))
                    label = ""
        self._note()
        return out

    def _text(self, element: Any) -> str:
        """Words of a paragraph or cell; text boxes and formulas among them, deleted and hidden words not."""
        parts: list[str] = []
        for node in element.iter():
            if node.tag == f"{_W}t":
                if _inside(node, element, ("del", "moveFrom")):
                    continue
                words = node.text or ""
                if _vanishes(node):
                    self.hidden.append(words)
                elif not _inside(node, element, ("Fallback",)):
                    parts.append(words)
            elif node.tag in (f"{_W}br", f"{_W}cr"):
                parts.append("\n")
            elif node.tag == f"{_W}tab":
                parts.append(" ")
            elif node.tag == f"{_W}p" and node is not element and parts:
                parts.append("\n")
        return self.desk.count("".join(parts))

    def _table(self, table: Any) -> list[list[str]]:
        rows: list[list[str]] = []
        for row in table.iterchildren(f"{_W}tr"):
            cells: list[str] = []
            for at, cell in enumerate(row.iterchildren(f"{_W}tc")):
                span = cell.find(f"{_W}tcPr/{_W}gridSpan")
                width = int(span.get(f"{_W}val")) if span is not None and (span.get(f"{_W}val") or "").isdigit() else 1
                merged = cell.find(f"{_W}tcPr/{_W}vMerge")
                text = plain(self._text(cell))
                if merged is not None and merged.get(f"{_W}val") != "restart" and not text and rows:
                    text = rows[-1][at] if at < len(rows[-1]) else ""
                cells += [text] + [""] * (min(width, self.desk.limits.columns) - 1)
            if any(cells):
                rows.append(cells[: self.desk.limits.columns])
            if len(rows) > self.desk.limits.rows:
                raise IntakeError(
                    f"文档里的一张表超过 {self.desk.limits.rows} 行。", "请把它分成几份再上传。", code="too_long"
                )
        return rows

    def _note(self) -> None:
        hidden = plain("".join(self.hidden))
        if hidden:
            self.desk.warn("hidden", f"文档里有隐藏文字，没有收进来：“{hidden[:40]}”。", "请看一看是不是有人做了手脚。")
        if next(self.body.iter(f"{_W}ins", f"{_W}del"), None) is not None:
            self.desk.warn(
                "revisions", "文档里有还没接受的修订，已按“全部接受”来读。", "请核对改动，或先在 Word 里处理修订。"
            )
        images = sum(1 for node in self.body.iter() if isinstance(node.tag, str) and node.tag.endswith("}blip"))
        if images:
            self.desk.note("images", f"有 {images} 张图片，图片没有收进来。", "如果图片里有文字，请打成文字补上。")
        if next(self.body.iter(f"{_W}footnoteReference", f"{_W}commentReference"), None) is not None:
            self.desk.note("notes", "文档里的脚注和批注没有收进来。")


def _parts(body: Any) -> Any:
    """Paragraphs and tables in order, those inside content controls and tracked moves too."""
    for child in body.iterchildren():
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}customXml", f"{_W}smartTag"):
            yield from _parts(child)


def _style(paragraph: Any) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return (style.get(f"{_W}val") or "") if style is not None else ""


def _properties(paragraph: Any, of_style: Any) -> Any:
    own = paragraph.find(f"{_W}pPr/{_W}numPr")
    return own if own is not None else of_style


def _style_numbers(document: Any) -> dict[str, Any]:
    found = ((style.style_id, style.element.find(f"{_W}pPr/{_W}numPr")) for style in document.styles)
    return {id_: properties for id_, properties in found if properties is not None}


def _heading_levels(document: Any) -> dict[str, int]:
    """Heading level by style id: Title is 1; Heading n is n."""
    out: dict[str, int] = {}
    for style in document.styles:
        name = str(style.name or "").lower()
        match = re.fullmatch(r"(?:heading|标题) ?(\d)", name)
        outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
        if name in ("title", "标题"):
            out[style.style_id] = 1
        elif match:
            out[style.style_id] = min(6, int(match.group(1)))
        elif outline is not None and (outline.get(f"{_W}val") or "9") in "01234":
            out[style.style_id] = int(outline.get(f"{_W}val")) + 1
    return out


def _inside(node: Any, root: Any, names: tuple[str, ...]) -> bool:
    parent = node.getparent()
    while parent is not None and parent is not root:
        if isinstance(parent.tag, str) and parent.tag.rpartition("}")[2] in names:
            return True
        parent = parent.getparent()
    return False


def _vanishes(node: Any) -> bool:
    vanish = node.getparent().find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and vanish.get(f"{_W}val") not in ("0", "false")
