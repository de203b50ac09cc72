"""Rows of a table as service cards: which column is which field, and what is wrong in a row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import ValidationError

from knowledge.cards import Card
from knowledge.files import first_error
from knowledge.intake.days import read_day
from knowledge.intake.read_sheet import FORMULA
from knowledge.intake.values import CardDraft, Place

# field: the column's name in the template, and other names that people give it
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("名称", "服务名称", "单位名称", "机构名称", "网点名称", "站点名称", "场所名称", "单位", "机构"),
    "what": ("做什么", "服务内容", "主要职能", "服务项目", "业务范围", "内容", "简介", "职能"),
    "who": ("服务对象", "对象", "面向人群", "适用人群"),
    "where": ("地址", "地点", "位置", "办公地址", "服务地址", "详细地址", "办理地点"),
    "hours": ("服务时间", "时间", "开放时间", "办公时间", "营业时间", "工作时间", "办理时间", "接待时间"),
    "phone": ("电话", "联系电话", "咨询电话", "服务电话", "电话号码", "热线", "联系方式", "办公电话"),
    "fee": ("收费", "收费标准", "费用", "价格"),
    "documents": ("所需材料", "材料", "携带材料", "申请材料", "要带什么"),
    "steps": ("办理步骤", "步骤", "流程", "办理流程"),
    "aliases": ("别名", "又叫", "俗称", "简称"),
    "phrasings": ("常见问法", "问法", "居民会怎么问"),
    "owner": ("负责单位", "责任单位", "维护单位", "主管单位", "管理单位"),
    "source": ("来源", "信息来源", "出处"),
    "valid_from": ("生效日期", "开始日期", "启用日期"),
    "valid_until": ("失效日期", "截止日期", "有效期至", "到期日期"),
    "sample": ("示例", "是否示例"),
    "remark": ("备注", "说明"),
}
LABELS = {field: names[0] for field, names in COLUMNS.items()}
NOTHING = ("", "-", "—", "——", "/", "\\", "无", "N/A")  # how people leave a cell empty
EXAMPLE = "填写样例"  # a row whose remark begins so is the template's own
LISTS = ("documents", "steps", "aliases", "phrasings")
_FACTS = ("where", "hours", "phone", "fee")
_PHONE = re.compile(r"\d[\d -]*\d(?:[、,，/]\d[\d -]*\d)*")
_LONGEST = {"name": 60, "phone": 80}
_NUMBERED = re.compile(r"(?:^|(?<=[\s；;。]))\d{1,2}[.、．)）]\s*")


def card_columns(header: Iterable[str]) -> dict[int, str]:
    """Field by column, for the columns whose names are known; each field once."""
    out: dict[int, str] = {}
    for at, cell in enumerate(header):
        name = re.sub(r"[\s*＊]|[(（].*?[)）]", "", cell)
        field = next((field for field, names in COLUMNS.items() if name in names), "")
        if not field and name.endswith("名称") and len(name) <= 10:
            field = "name"
        if field and field not in out.values():
            out[at] = field
    return out


def makes_cards(columns: dict[int, str]) -> bool:
    """Whether a table with these columns lists services: a name and a place, time, number or fee."""
    fields = set(columns.values())
    return "name" in fields and bool(fields.intersection(_FACTS))


def card_draft(
    cells: list[str],
    columns: dict[int, str],
    place: Place,
    taken: dict[str, str],
    defaults: dict[str, str],
) -> CardDraft | None:
    """The card of a row, or what is wrong with it; None for the template's own example.

    ``taken`` are ids given so far, with the row's content; ``defaults`` fill what a row leaves empty.
    """
    values = {field: cells[at].strip() if at < len(cells) else "" for at, field in columns.items()}
    if values.pop("remark", "").startswith(EXAMPLE):
        return None
    for field, value in defaults.items():
        if value:
            values[field] = values.get(field) or value
    values = {field: "" if value in NOTHING else value for field, value in values.items()}
    problems = list(_problems(values))
    card: dict[str, Any] = {"id": _card_id(values.get("name", ""), taken)}
    for field, value in values.items():
        if not value or field == "sample":
            continue
        if field in LISTS:
            card[field] = _parts(value)
        elif field in ("valid_from", "valid_until"):
            day = read_day(value)
            if day is not None:
                card[field] = day
        else:
            card[field] = _phone(value) if field == "phone" else value
    if values.get("sample", "") in ("是", "true", "True", "TRUE", "1", "√", "示例"):
        card["sample"] = True
    content = repr(sorted(values.items()))
    if content in taken.values():
        problems.append("和前面的一行完全一样，请删去一行")
    if not problems:
        problems += _validated(card)
    if not problems:
        taken[card["id"]] = content
    return CardDraft(place=place, name=values.get("name", "")[:60], card=card, problems=tuple(problems))


def _problems(values: dict[str, str]) -> Iterable[str]:
    for field, value in values.items():
        label = LABELS[field]
        if FORMULA.match(value) and field != "phone":
            yield f"“{label}”像公式（{value[:20]}），请改成普通文字"
        if len(value) > _LONGEST.get(field, 2_000):
            yield f"“{label}”太长（{len(value)}字），请写短一些"
    if len(values.get("name", "")) < 2:
        yield "缺“名称”，请写上服务或地方的名字，至少两个字"
    if len(values.get("what", "")) < 4:
        yield "缺“做什么”，请用一句话写它能办什么，至少四个字"
    for field in ("owner", "source"):  # without such a column they are asked once, for all cards
        if field in values and not values[field]:
            yield f"缺“{LABELS[field]}”，请填写"
    phone = _phone(values.get("phone", ""))
    sample = bool(values.get("sample"))
    if re.fullmatch(r"\d(?:\.\d+)?[Ee]\+?\d+", phone):
        yield f"“电话”变成了科学计数（{phone}），请在 Excel 里把这一列设成“文本”，再重新填写号码"
    elif phone and not sample and not _PHONE.fullmatch(phone):
        yield f"“电话”不像电话号码（{phone[:20]}），请只写号码，如 021-12345678；有几个号码时用顿号隔开"
    days: dict[str, date | None] = {}
    for field in ("valid_from", "valid_until"):
        if values.get(field):
            days[field] = read_day(values[field])
            if days[field] is None:
                yield f"“{LABELS[field]}”看不懂（{values[field][:20]}），请写成 2026-01-31 这样"
    start, end = days.get("valid_from"), days.get("valid_until")
    if start and end and end < start:
        yield "“失效日期”在“生效日期”之前，请改正"


def _validated(card: dict[str, Any]) -> list[str]:
    """What the schema still says against it, in Chinese."""
    try:
        Card.model_validate({"owner": "?", "source": "?"} | card)
    except ValidationError as error:
        field, message = first_error(error)
        if "sample card" in message:
            return ["示例卡片的名称、地址、电话、时间、收费都要以“示例”开头，电话写成 示例号码000-0001 这样"]
        return [f"“{LABELS.get(field.partition('.')[0], field)}”填得不对，请看模板里的说明"]
    return []


def _phone(value: str) -> str:
    value = re.sub(r"^\+?86[ -]?(?=\d{10,11}$|0?\d{2,3}-)", "", re.sub(r"[()（）]", "-", value).strip("- "))
    value = re.sub(r"[–—－]", "-", value)
    value = re.sub(r"(?<!\d)(0\d{2,3})\s+(?=\d{7,8}(?!\d))", r"\1-", value)
    return re.sub(r"\s*[;；]\s*|\s+(?=\d{7,})", "、", value)


def _parts(value: str) -> list[str]:
    """Items of a list in one cell: one a line, numbered, or parted by ；."""
    text = _NUMBERED.sub("\n", value)
    marks = r"[\n；;]" if re.search(r"[\n；;]", text.strip()) else r"[\n、]"
    return [part.strip(" 。") for part in re.split(marks, text) if part.strip(" 。")]


def _card_id(name: str, taken: dict[str, str]) -> str:
    base = slug(name)[:40].strip("-") or "card"
    out, number = base, 1
    while out in taken:
        number += 1
        out = f"{base}-{number}"
    return out


def slug(text: str) -> str:
    """The name in pinyin and digits, as ids are written: yangguang-shitang; '' when nothing is left."""
    from pypinyin import lazy_pinyin

    words = lazy_pinyin(text[:30], errors=lambda other: re.sub(r"[^A-Za-z0-9]+", "-", other))
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
