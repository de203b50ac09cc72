"""Tables as sentences that read aloud well, or as service cards where the header allows."""

from __future__ import annotations

import re

from knowledge.intake.blocks import Grid
from knowledge.intake.card_rows import NOTHING, card_columns, card_draft, makes_cards
from knowledge.intake.values import CardDraft, Place, Table

_NAMES = ("项目", "名称", "事项", "类别", "种类", "服务", "内容", "单位", "对象", "类型", "指标", "活动", "课程")
_ORDERS = ("序号", "编号", "号", "No", "NO", "no")
_LIST = re.compile(
    r"(?:情况)?(?:一览表|名单|名录|列表|清单|汇总表?|信息表|明细表?|目录|表)[:：]?$|^(?:附件|附表|表)\s*\d*[:：、.\s]*"
)


def read_grid(grid: Grid, place: Place) -> Table | None:
    """The table with its header found; None when there is nothing below a header."""
    rows = [row for row in grid.rows if any(row)]
    width = max((len(row) for row in rows), default=0)
    caption = re.sub(r"(?:如下)?[:：]$", "", grid.caption)
    caption = "" if re.search(r"[。；;，,！？]", caption) else caption  # a sentence before the table is none
    while rows and width > 1 and len([cell for cell in rows[0] if cell]) == 1:  # a title over all columns
        caption = next(cell for cell in rows[0] if cell)[:60]
        rows = rows[1:]
    if len(rows) < 2:
        return None
    header, *rest = (tuple(row + [""] * (width - len(row))) for row in rows)
    columns = card_columns(header)
    used = "cards" if makes_cards(columns) else "sentences"
    return Table(place=place, caption=caption, header=header, rows=tuple(rest), used_as=used)


def table_sentences(table: Table) -> list[str]:
    """One sentence a row: 高龄津贴，标准为每月180元，发放日为每月15日。"""
    out: list[str] = []
    skipped = [at for at, name in enumerate(table.header) if name.strip() in _ORDERS]
    for row in table.rows:
        cells = [
            (table.header[at].strip(), cell) for at, cell in enumerate(row) if cell not in NOTHING and at not in skipped
        ]
        if not cells:
            continue
        parts = []
        for at, (name, cell) in enumerate(cells):
            cell = cell.rstrip("。；;，,")
            named = bool(name) and not (at == 0 and name.endswith(_NAMES)) and name != cell
            parts.append(f"{name}为{cell}" if named else cell)
        out.append("，".join(parts) + "。")
    return out


def table_cards(
    table: Table,
    taken: dict[str, str],
    defaults: dict[str, str],
    numbers: list[int] | None = None,
) -> list[CardDraft]:
    """The rows as cards; ``numbers`` are the rows' numbers in the file (from 1), where they are known."""
    columns = card_columns(table.header)
    what = _LIST.sub("", _LIST.sub("", table.caption)).strip()
    if len(what) >= 4 and "what" not in columns.values():
        defaults = defaults | {"what": what}
    out: list[CardDraft] = []
    for at, row in enumerate(table.rows):
        number = numbers[at] if numbers else at + 2
        place = table.place.model_copy(update={"row": number})
        draft = card_draft(list(row), columns, place, taken, defaults)
        if draft is not None:
            out.append(draft)
    return out
