"""A spreadsheet or CSV as grids, row by row and never more than the limits."""

from __future__ import annotations

import csv
import datetime
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any, NoReturn

from openpyxl import load_workbook

from assistant.errors import IntakeError
from knowledge.intake.archive import check_archive
from knowledge.intake.blocks import plain
from knowledge.intake.decode import decode
from knowledge.intake.limits import Desk
from knowledge.intake.values import Place

_LINES = 30  # lines in one cell; more come of a quotation mark that was never closed
_EMPTY_RUN = 1_000  # empty rows after which nothing more is expected
# What spreadsheet programs would run; +86 21… and -5 are no formulas.
FORMULA = re.compile(r"\s*[=@]\s*\S|\s*[+-]\s*[A-Za-z(=@]|\s*[\t\r]")


class Rows:
    """The rows of one sheet: its name, and (row number, cells) with empty rows left out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[tuple[int, list[str]]] = []


def read_xlsx(data: bytes, desk: Desk) -> list[Rows]:
    """All visible sheets. Formulas give their last value; macros and links are never run.

    Raises IntakeError for a dangerous, broken, or too long file.
    """
    check_archive(data, desk)
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            out: list[Rows] = []
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible":
                    desk.warn("hidden", f"表“{sheet.title}”是隐藏的，没有收进来。", "如果要用，请取消隐藏再上传。")
                    continue
                out.append(_sheet(sheet, sum(len(each.rows) for each in out), desk))
            return [each for each in out if each.rows]
        finally:
            book.close()
    except IntakeError:
        raise
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        SyntaxError,
    ) as error:
        # lxml's and ElementTree's errors are SyntaxErrors
        raise IntakeError(
            "这个 Excel 表格坏了，读不出来。", "请用 Excel 或 WPS 打开，另存为 .xlsx 再上传。", code="broken"
        ) from error


def _sheet(sheet: Any, before: int, desk: Desk) -> Rows:
    out = Rows(plain(str(sheet.title))[:40])
    sheet.reset_dimensions()  # what the file says of its size may be a lie
    empty = 0
    for number, cells in enumerate(sheet.iter_rows(max_col=desk.limits.columns, values_only=True), 1):
        texts = [_shown(cell, desk) for cell in cells]
        if not any(texts):
            empty += 1
            if empty >= _EMPTY_RUN:
                place = Place(sheet=out.name, row=number)
                desk.note("empty_rows", f"连续 {_EMPTY_RUN} 行是空的，后面没有再读。", place=place)
                break
            continue
        empty = 0
        out.rows.append((number, texts))
        _check_rows(before + len(out.rows), desk)
        if number % 200 == 0:
            total = sheet.max_row or 0
            desk.progress(number, max(number, total), "行")
    return out


def _check_rows(count: int, desk: Desk) -> None:
    if count > desk.limits.rows:
        _too_many(desk)


def _too_many(desk: Desk) -> NoReturn:
    raise IntakeError(
        f"这张表超过 {desk.limits.rows} 行，太长了，没有收进来。",
        f"请把它分成几份，每份不超过 {desk.limits.rows} 行，再一个一个上传。",
        code="too_long",
    )


def _shown(value: Any, desk: Desk) -> str:
    """A cell as people see it: whole numbers without .0, days as 2025-01-31."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, datetime.datetime):
        value = value.date() if value.time() == datetime.time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.time):
        value = value.strftime("%H:%M")
    text = str(value).strip()
    return desk.count(text[: desk.limits.cell + 1])


def read_csv(data: bytes, desk: Desk) -> list[Rows]:
    """The rows of a CSV or TSV file; damaged rows are named and left out."""
    if data.count(b"\n") > desk.limits.rows * 20:  # so many that even long cells don't explain them
        _too_many(desk)
    text = decode(data, desk)
    out = Rows("")
    rows = _csv_rows(text)
    total = text.count("\n") + 1
    while True:
        try:
            number, cells = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            desk.skip(
                "bad_row", "从这里往后读不出来。", f"请检查引号是否成对（{error}）。", Place(row=len(out.rows) + 2)
            )
            break
        swallowed = max((cell.count("\n") for cell in cells), default=0)
        if swallowed > _LINES:
            desk.skip(
                "quotes",
                f"这一行的引号可能没有成对，后面 {swallowed} 行被并了进来，没有收进来。",
                "请在 Excel 里打开检查引号，改好后重新上传。",
                Place(row=number - swallowed),
            )
            continue
        cells = [plain(cell) for cell in cells[: desk.limits.columns]]
        if any(cells):
            out.rows.append((number, cells))
            _check_rows(len(out.rows), desk)
        if number % 1000 == 0:
            desk.progress(number, total, "行")
    return [out] if out.rows else []


def _csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(200_000)
    first = text.split("\n", 1)[0]
    mark = max(",\t;，", key=first.count)
    if mark == "，" and first.count("，"):
        text = text.replace("，", ",", first.count("，"))  # a header typed with Chinese commas
        mark = ","
    reader = csv.reader(StringIO(text.replace("\x00", "")), delimiter=mark)
    for cells in reader:
        yield reader.line_num, cells
