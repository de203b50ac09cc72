"""A PDF as blocks: its text layer line by line, ruled tables, and scanned pages through OCR."""

from __future__ import annotations

import contextlib
import logging
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from assistant.errors import IntakeError
from knowledge.intake.blocks import Block, Grid, plain
from knowledge.intake.limits import Desk
from knowledge.intake.ocr import INSTALL, picture_reader
from knowledge.intake.values import Place

_OCR_PIXELS = 6_000_000  # of one page as it is drawn for reading
_PAGE_CHARACTERS = 50_000
_RULED = range(6, 800)  # drawn lines of a page that may hold a table; more make a drawing
_MARGIN = 0.075  # share of the page in which headers and footers stand
_FEW = 5  # characters: fewer than these and a picture make a scanned page
_NUMBERS = re.compile(r"[-—–\s·]*(?:第?\s*\d{1,4}\s*页?(?:\s*[/／,，共]\s*共?\s*\d{1,4}\s*页?)?)[-—–\s·]*")
_STARTS = re.compile(
    r"[一二三四五六七八九十百]+、|[(（][一二三四五六七八九十百\d]+[)）]|第[一二三四五六七八九十百\d]+[章编部条]|\d{1,2}[.、．]"
    r"|[-•●■◆·※]|(?:附件|附表|联系人|电话|地址)[:：\d]|\d{4}年\d{1,2}月\d{1,2}日$"
)
_ENDS = re.compile(r"[。！？!?：:；;]$|\d{4}年\d{1,2}月\d{1,2}日$")


@dataclass
class _Line:
    text: str
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


@dataclass
class _Sheet:
    """One page as read."""

    number: int
    width: float = 0.0  # of the page, in points; 0 where lines were recognised
    height: float = 0.0
    lines: list[_Line] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)


def read_pdf(data: bytes, desk: Desk) -> tuple[list[Block], int]:
    """Paragraphs and tables in order, and the number of pages.

    A page that can't be read is named in the notices and left out. Raises IntakeError for a file
    that can't be opened, needs a password, or has too many pages.
    """
    document = _open(data)
    try:
        pages = len(document)
        if pages > desk.limits.pages:
            raise IntakeError(
                f"这个 PDF 有 {pages} 页，超过了 {desk.limits.pages} 页的上限。",
                "请把它分成几个文件再上传。",
                code="too_long",
            )
        _note_active(document, data, desk)
        sheets: list[_Sheet] = []
        scanned: list[int] = []
        for at in range(pages):
            desk.progress(at, pages, "页")
            sheet = _page(document, data, at, desk, scanned)
            if sheet is not None:
                sheets.append(sheet)
        desk.progress(pages, pages, "页")
    finally:
        document.close()
    if scanned:
        listed = "、".join(map(str, scanned[:20])) + ("等" if len(scanned) > 20 else "")
        desk.skip("scanned", f"第 {listed} 页是扫描的图片，没有文字，共 {len(scanned)} 页没有收进来。", INSTALL)
    _drop_margins(sheets, desk)
    return list(_paragraphs(sheets)), pages


def _open(data: bytes) -> Any:
    try:
        document = pdfium.PdfDocument(data)
        if len(document) == 0:
            raise pdfium.PdfiumError("no pages")
    except pdfium.PdfiumError as error:
        if "assword" in str(error) or "ecurity" in str(error):
            raise IntakeError(
                "这个 PDF 加了密码，读不了。", "请用密码打开，另存（打印）成不带密码的 PDF 再上传。", code="encrypted"
            ) from error
        raise IntakeError(
            "这个 PDF 坏了，打不开。", "请重新导出 PDF，或者换成 Word 文档再上传。", code="broken"
        ) from error
    return document


def _note_active(document: Any, data: bytes, desk: Desk) -> None:
    """Scripts and files inside are never opened; staff are told that they are there."""
    if raw.FPDFDoc_GetJavaScriptActionCount(document) > 0 or re.search(rb"/(?:JavaScript|JS|Launch)\b", data):
        desk.warn("javascript", "PDF 里带有程序，没有运行，也没有收进来。", "如果文件是别人发来的，请先问清来历。")
    if document.count_attachments() > 0 or b"/EmbeddedFile" in data:
        desk.warn("embedded", "PDF 里夹带了别的文件，没有打开。", "如果里面有要用的内容，请单独上传。")


def _page(document: Any, data: bytes, at: int, desk: Desk, scanned: list[int]) -> _Sheet | None:
    place = Place(page=at + 1)
    page = None
    try:
        page = document[at]
        lines = _text_lines(page, place, desk)
        pictures, ruled = _objects(page)
        words = "".join(line.text for line in lines)
        unreadable = _unreadable(words)
        if (len(words) < _FEW and pictures) or unreadable:
            read = _read_picture(page, place, desk)
            if read is None:
                if unreadable:
                    desk.skip("no_text_map", "这一页的文字复制出来是乱码，没有收进来。", INSTALL, place)
                else:
                    scanned.append(at + 1)
                return None
            desk.warn("ocr", "这一页是扫描件，文字是识别出来的。", "请对照原件核对数字和名字。", place)
            return _Sheet(at + 1, lines=[_Line(desk.count(text)) for text in read])
        desk.count(words)
        if not words and not pictures:
            desk.note("blank", "这一页是空白的。", place=place)
        grids = _tables(data, at, lines, desk) if ruled in _RULED and words else []
        return _Sheet(at + 1, page.get_width(), page.get_height(), lines, grids)
    except IntakeError:
        raise
    except Exception:  # whatever breaks one page leaves the others readable
        desk.skip("bad_page", "这一页读不出来，没有收进来。", "请打开原件看这一页，把文字补上。", place)
        return None
    finally:
        if page is not None:
            with contextlib.suppress(Exception):
                page.close()


def _text_lines(page: Any, place: Place, desk: Desk) -> list[_Line]:
    """Lines of the text layer with their boxes, in the order of the layer."""
    text = page.get_textpage()
    try:
        count = text.count_chars()
        if count > _PAGE_CHARACTERS:
            desk.warn("long_page", f"这一页有 {count} 个字符，只读了前 {_PAGE_CHARACTERS} 个。", place=place)
            count = _PAGE_CHARACTERS
        lines: list[_Line] = []
        current: list[str] = []
        box: list[float] = []
        for index in range(count):
            code = raw.FPDFText_GetUnicode(text, index)
            character = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
            if character in "\r\n":
                if character:
                    _end(lines, current, box)
                continue
            current.append("" if character == "\x02" else character)  # a hyphen that PDFium put in
            if not character.isspace():
                left, bottom, right, top = text.get_charbox(index)
                box[:] = (
                    [min(box[0], left), max(box[1], right), max(box[2], top), min(box[3], bottom)]
                    if box
                    else [left, right, top, bottom]
                )
        _end(lines, current, box)
        return lines
    finally:
        text.close()


def _end(lines: list[_Line], current: list[str], box: list[float]) -> None:
    words = plain("".join(current))
    if words:
        lines.append(_Line(words, *(box or (0.0, 0.0, 0.0, 0.0))))
    current.clear()
    box.clear()


def _objects(page: Any) -> tuple[int, int]:
    """How many pictures and how many drawn lines the page has (counting stops at 2,000 objects)."""
    pictures = ruled = 0
    for at, each in enumerate(page.get_objects(max_depth=3)):
        pictures += each.type == raw.FPDF_PAGEOBJ_IMAGE
        ruled += each.type == raw.FPDF_PAGEOBJ_PATH
        if at >= 2000:
            break
    return pictures, ruled


def _unreadable(words: str) -> bool:
    """Whether the layer gives no real characters: fonts without a table of what they show."""
    if len(words) < _FEW:
        return False
    lost = sum(unicodedata.category(c) in ("Co", "Cn", "Cc") or c == "\ufffd" for c in words)
    return lost / len(words) > 0.3


def _read_picture(page: Any, place: Place, desk: Desk) -> list[str] | None:
    """Lines of a scanned page, or None when no reader is installed."""
    reader = picture_reader() if desk.limits.ocr else None
    if reader is None:
        return None
    width, height = page.get_size()
    scale = min(200 / 72, (_OCR_PIXELS / max(1.0, width * height)) ** 0.5)
    return reader(page.render(scale=scale).to_pil())


def _tables(data: bytes, at: int, lines: list[_Line], desk: Desk) -> list[Grid]:
    """Ruled tables of a page; the lines that stand in them are taken out of ``lines``."""
    import pdfplumber

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    grids: list[Grid] = []
    with pdfplumber.open(BytesIO(data), pages=[at + 1]) as document:
        page = document.pages[0]
        height = float(page.height)
        for table in page.find_tables():
            rows = [[plain(cell or "").replace(" ", "") for cell in row] for row in table.extract()]
            rows = [row for row in rows if any(row)]
            if len(rows) < 2 or max(map(len, rows)) < 2:
                continue
            left, top, right, bottom = table.bbox
            inside = [
                line
                for line in lines
                if height - bottom - 1 <= (line.top + line.bottom) / 2 <= height - top + 1
                and left - 2 <= (line.left + line.right) / 2 <= right + 2
            ]
            if not inside:
                continue
            where = lines.index(inside[0])
            before = lines[where - 1].text if where else ""
            grids.append(Grid(rows[: desk.limits.rows], before if len(before) <= 40 else ""))
            lines[where] = _Line(f"\x00{len(grids) - 1}")  # a marker that no text layer holds
            for line in inside[1:]:
                lines.remove(line)
        page.close()
    return grids


def _drop_margins(sheets: list[_Sheet], desk: Desk) -> None:
    """Headers, footers and page numbers: lines at the edge that come again on most pages."""

    def edges(sheet: _Sheet) -> list[_Line]:
        lines = [line for line in sheet.lines if not line.text.startswith("\x00")]
        ends = lines[:2] + lines[max(2, len(lines) - 2) :]
        high, low = (1 - _MARGIN) * sheet.height, _MARGIN * sheet.height
        return [line for line in ends if not sheet.height or line.bottom > high or line.top < low]

    def key(line: _Line) -> str:
        return re.sub(r"\d+", "#", line.text.replace(" ", ""))

    seen = Counter(each for sheet in sheets for each in {key(line) for line in edges(sheet)})
    dropped: Counter[str] = Counter()
    for sheet in sheets:
        for line in edges(sheet):
            often = sheet.height and len(sheets) >= 3 and seen[key(line)] > len(sheets) * 0.6 and len(line.text) <= 60
            last_or_first = line is sheet.lines[-1] or line is sheet.lines[0]
            if often or (last_or_first and len(sheets) > 1 and _NUMBERS.fullmatch(line.text)):
                sheet.lines.remove(line)
                dropped[line.text if not _NUMBERS.fullmatch(line.text) else "页码"] += 1
    if dropped:
        named = "、".join(f"“{text}”{count} 处" for text, count in dropped.most_common(3))
        desk.note("margins", f"去掉了重复的页眉、页脚和页码：{named}。")


def _paragraphs(sheets: list[_Sheet]) -> list[Block]:
    """Lines joined to paragraphs, over the end of a page too; tables in their places."""
    out: list[Block] = []
    open_line: _Line | None = None  # the last line of the paragraph that is open
    for sheet in sheets:
        right = max((line.right for line in sheet.lines if line.text[0] != "\x00"), default=0.0)
        left = _left(sheet.lines)
        right = max(right, sheet.width - 1.2 * left)  # the margins of both sides are about the same
        size = _size(sheet.lines)
        for line in sheet.lines:
            place = Place(page=sheet.number)
            if line.text.startswith("\x00"):
                out.append(Block(place=place, grid=sheet.grids[int(line.text[1:])]))
                open_line = None
                continue
            indented = line.right and line.left > left + 1.2 * size
            joins = (
                open_line is not None
                and bool(out)
                and not _STARTS.match(line.text)
                and not indented
                and not _short(open_line, left, right, size)
            )
            if joins:
                latin = re.search(r"[A-Za-z,]$", out[-1].text) and re.match(r"[A-Za-z]", line.text)
                out[-1].text += (" " if latin else "") + line.text
            else:
                out.append(Block(line.text, 0, place))
            open_line = line
    return out


def _left(lines: list[_Line]) -> float:
    """Where full lines begin: the most common left edge."""
    edges = Counter(round(line.left) for line in lines if line.right)
    if not edges:
        return 0.0
    most = max(edges.values())
    return float(min(edge for edge, count in edges.items() if count >= max(2, most // 2) or count == most))


def _size(lines: list[_Line]) -> float:
    """Height of the characters, in points."""
    sizes = sorted(line.top - line.bottom for line in lines if line.right)
    return sizes[len(sizes) // 2] if sizes else 12.0


def _short(line: _Line, left: float, right: float, size: float) -> bool:
    """Whether a paragraph ends with this line: it stops early, sooner so after a full stop."""
    ends = bool(_ENDS.search(line.text))
    if not line.right:  # recognised lines have no boxes
        return len(line.text) < (25 if ends else 18)
    return line.right < (right - 2.5 * size if ends else left + 0.8 * (right - left))
