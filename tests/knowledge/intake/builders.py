"""Files as staff hand them in, and as attackers would: built here, byte by byte where it matters."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from docx import Document
from openpyxl import Workbook
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

FONT = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(FONT))

NOTICE = (
    "示例街道办事处文件",
    "示街办〔2025〕12号",
    "示例街道办事处关于调整社区食堂服务的通知",
    "各居民委员会：",
    "为方便老年人就餐，现将有关事项通知如下。",
    "一、服务时间",
    "(一)工作日供餐。社区食堂每天10:30到13:00供应午餐。",
    "(二)周末供餐。周末供应时间为11:00到12:30。",
    "二、服务标准",
    "(三)午餐价格。老年人午餐每份12元，由示例街道办事处补贴3元。",
    "(四)建设目标。到2026年，全街道社区食堂总数达到15家以上。",
    "本通知自2025年3月1日起施行，有效期至2027年2月28日。",
    "示例街道办事处",
    "2025年2月20日",
)


LISTS_AND_TABLES = (("名称", "地址", "电话"), ("第一社区食堂", "一楼", "62340001"), ("第二社区食堂", "二楼", "不知道"))


def docx(paragraphs: Iterable[str], tables: Sequence[Sequence[Sequence[str]]] = (), title: str = "") -> bytes:
    """A Word document."""
    document = Document()
    if title:
        document.add_heading(title, 0)
    for text in paragraphs:
        document.add_paragraph(text)
    for rows in tables:
        table = document.add_table(len(rows), len(rows[0]))
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                table.cell(at, column).text = text
    return saved(document)


def saved(document: Any) -> bytes:
    """The bytes of a python-docx document or an openpyxl book."""
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pdf(
    pages: Sequence[Sequence[str]],
    header: str = "",
    numbered: bool = True,
    table: Sequence[Sequence[str]] = (),
    password: str = "",
    indents: bool = True,
) -> bytes:
    """A PDF with a text layer; paragraphs are indented and wrapped at 37 characters, as offices print them."""
    buffer = BytesIO()
    lock = StandardEncryption(password, canPrint=0) if password else None
    sheet = canvas.Canvas(buffer, pagesize=(595, 842), encrypt=lock)
    for number, paragraphs in enumerate(pages, 1):
        sheet.setFont(FONT, 12)
        if header:
            sheet.drawString(72, 810, header)
        y = 780
        for paragraph in paragraphs:
            rest, first = paragraph, indents
            while rest:
                width = 35 if first else 37
                sheet.drawString(72 + (24 if first else 0), y, rest[:width])
                rest, first, y = rest[width:], False, y - 20
        if table:
            _ruled(sheet, table, y)
        if numbered:
            sheet.drawCentredString(297, 30, f"- {number} -")
        sheet.showPage()
    sheet.save()
    return buffer.getvalue()


def _ruled(sheet: Any, rows: Sequence[Sequence[str]], top: float) -> None:
    width, height = 430 / len(rows[0]), 24
    for at in range(len(rows) + 1):
        sheet.line(72, top - at * height, 502, top - at * height)
    for at in range(len(rows[0]) + 1):
        sheet.line(72 + at * width, top, 72 + at * width, top - len(rows) * height)
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.drawString(76 + column * width, top - at * height - 16, text)


def picture_pdf(picture: Any, pages: int = 1) -> bytes:
    """A scan: each page is a picture."""
    from reportlab.lib.utils import ImageReader

    buffer = BytesIO()
    sheet = canvas.Canvas(buffer, pagesize=(595, 842))
    for _ in range(pages):
        sheet.drawImage(
            ImageReader(picture),
            0,
            842 - 595 * picture.height / picture.width,
            595,
            595 * picture.height / picture.width,
        )
        sheet.showPage()
    sheet.save()
    return buffer.getvalue()


def xlsx(sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    """An Excel book."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def archive(parts: dict[str, bytes | str], compress: bool = True) -> bytes:
    """A ZIP file of these parts."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as out:
        for name, data in parts.items():
            out.writestr(name, data)
    return buffer.getvalue()


def replaced(data: bytes, changes: dict[str, bytes | None]) -> bytes:
    """A ZIP file with some parts replaced or added (bytes), or taken out (None)."""
    parts: dict[str, bytes | str] = {}
    with zipfile.ZipFile(BytesIO(data)) as archive_:
        for name in archive_.namelist():
            parts[name] = archive_.read(name)
    for name, content in changes.items():
        if content is None:
            parts.pop(name, None)
        else:
            parts[name] = content
    return archive(parts)


def part(data: bytes, name: str) -> bytes:
    """One part of a ZIP file."""
    with zipfile.ZipFile(BytesIO(data)) as archive_:
        return archive_.read(name)
