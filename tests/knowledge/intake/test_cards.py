"""Tables: the template of service cards, rows that are wrong, tables in documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from knowledge.intake.card_rows import COLUMNS, LABELS
from knowledge.intake.drafts import draft_files
from knowledge.intake.pipeline import Options
from knowledge.intake.template import card_template
from knowledge.intake.values import Intake
from knowledge.load import load_corpus
from tests.knowledge.intake.builders import docx, pdf, saved, xlsx

Read = Callable[..., Intake]
HEADER = ["名称", "做什么", "地址", "服务时间", "电话", "负责单位", "来源", "生效日期", "失效日期", "备注"]
GOOD = [
    "某某社区食堂",
    "为老年人供应午餐",
    "一楼",
    "10:30到13:00",
    "62340000",
    "某某居委会",
    "公告",
    "2025-01-01",
    "2026年12月31日",
    "",
]
LIST = [["名称", "地址", "电话"], ["第一社区食堂", "一楼大厅", "62340001"], ["第二社区食堂", "二楼大厅", "62340002"]]
PLAIN = [["项目", "标准", "发放日"], ["高龄津贴", "每月180元", "每月15日"], ["护理补贴", "每月200元", "每月20日"]]


def row(**changes: object) -> list[object]:
    values: dict[str, object] = dict(zip(HEADER, GOOD, strict=True)) | changes
    return [values[name] for name in HEADER]


def test_the_template_filled_in_becomes_cards_that_load(read: Read, tmp_path: Path) -> None:
    book = load_workbook(BytesIO(card_template()))
    sheet = book["服务卡片"]
    header = [str(cell.value).rstrip("*") for cell in sheet[1]]
    assert header == list(LABELS.values())
    values = {
        "名称": "某某托育点",
        "做什么": "照看两到三岁的幼儿",
        "电话": "021-62340000、62340001",
        "所需材料": "出生证明；疫苗本",
        "办理步骤": "1.打电话预约 2.现场登记",
        "常见问法": "哪里可以托管孩子",
        "负责单位": "某某居委会",
        "来源": "某某公告",
        "失效日期": date(2026, 12, 31),
    }
    for at, name in enumerate(header, 1):
        sheet.cell(3, at).value = values.get(name)
    intake = read(saved(book), "卡片.xlsx")
    assert [(card.name, card.problems) for card in intake.cards] == [("某某托育点", ())]
    assert not [notice for notice in intake.notices if notice.level != "note"]
    files = draft_files(intake, {"owner": "某某居委会", "title": "某某社区服务", "source": "某某公告"})
    ((path, text),) = files.items()
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text(text, encoding="utf-8")
    passages = load_corpus(tmp_path, strict=True).corpus.passages
    texts = [p.text for p in passages]
    assert "某某托育点的电话是021-62340000、62340001。" in texts
    assert "某某托育点的办理步骤：打电话预约；现场登记。" in texts
    assert all(p.valid_until == date(2026, 12, 31) for p in passages)
    assert [p.id for p in passages] == [p.id for p in intake.passages]


def test_the_untouched_template_has_nothing_in_it(read: Read) -> None:
    intake = read(card_template(), "模板.xlsx")
    assert intake.cards == ()
    assert intake.passages == ()
    assert "no_rows" in {notice.code for notice in intake.notices}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"名称": ""}, "名称"),
        ({"做什么": "饭"}, "做什么"),
        ({"电话": "打给老王"}, "不像电话号码"),
        ({"电话": "6.2E+07"}, "科学计数"),
        ({"失效日期": "明年"}, "失效日期"),
        ({"失效日期": "2024-01-01"}, "之前"),
        ({"负责单位": ""}, "负责单位"),
        ({"来源": ""}, "来源"),
        ({"地址": "=HYPERLINK(1)"}, "公式"),
        ({"名称": "长" * 200}, "太长"),
    ],
)
def test_a_bad_row_is_named_and_spoils_no_other(read: Read, changes: dict[str, object], word: str) -> None:
    import csv
    from io import StringIO

    buffer = StringIO()
    csv.writer(buffer).writerows([HEADER, row(名称="甲食堂"), row(**changes), row(名称="乙食堂")])
    intake = read(buffer.getvalue(), "卡片.csv")
    assert [card.name for card in intake.cards if not card.problems] == ["甲食堂", "乙食堂"]
    (notice,) = [each for each in intake.notices if each.level == "skipped"]
    assert notice.place.row == 3
    assert word in notice.message
    assert "请" in notice.message + notice.hint


def test_excel_rows_keep_their_numbers_over_empty_ones(read: Read) -> None:
    rows: list[list[object]] = [HEADER, row(名称="甲食堂"), [], [], row(名称="乙食堂", 电话="不知道")]  # type: ignore[list-item]
    intake = read(xlsx({"服务": rows}), "卡片.xlsx")
    (notice,) = [each for each in intake.notices if each.level == "skipped"]
    assert (notice.place.sheet, notice.place.row) == ("服务", 5)


def test_numbers_and_dates_of_excel_read_as_written(read: Read) -> None:
    intake = read(xlsx({"表": [HEADER, row(电话=62340000.0, 生效日期=date(2025, 5, 1))]}), "a.xlsx")
    (card,) = intake.cards
    assert card.problems == ()
    assert card.card["phone"] == "62340000"
    assert card.card["valid_from"] == date(2025, 5, 1)


def test_the_same_row_twice_is_named(read: Read) -> None:
    intake = read(xlsx({"表": [HEADER, row(), row(), row(电话="62340009")]}), "a.xlsx")
    assert [bool(card.problems) for card in intake.cards] == [False, True, False]
    ids = [card.card["id"] for card in intake.cards if not card.problems]
    assert len(set(ids)) == 2


def test_sample_cards_must_look_invented(read: Read) -> None:
    header = [*HEADER[:-1], "示例"]
    intake = read(xlsx({"表": [header, [*row()[:-1], "是"]]}), "a.xlsx")
    assert "示例" in intake.cards[0].problems[0]


@pytest.mark.parametrize("form", ["docx", "pdf", "md", "html"])
def test_a_list_of_places_in_a_document_becomes_cards(read: Read, form: str) -> None:
    intro, caption = "本街道的社区食堂如下，欢迎就餐。", "社区食堂一览表"
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in LIST)
    table = "\n".join("|" + "|".join(line) + "|" + ("\n|--|--|--|" if at == 0 else "") for at, line in enumerate(LIST))
    data: bytes = {
        "docx": docx(["示例通知", intro, caption], [LIST]),
        "pdf": pdf([["示例通知", intro, caption]], table=LIST),
        "md": f"# 示例通知\n\n{intro}\n\n## {caption}\n\n{table}\n".encode(),
        "html": f"<html><body><h1>示例通知</h1><p>{intro}</p><table><caption>{caption}</caption>{rows}</table></body></html>".encode(),
    }[form]
    intake = read(data, f"a.{form}", options=Options(owner="某某居委会"))
    assert intake.tables[0].used_as == "cards"
    assert [card.problems for card in intake.cards] == [(), ()]
    assert intake.cards[1].card["phone"] == "62340002"
    assert intake.cards[1].card["where"] == "二楼大厅"
    assert "62340001" not in intake.body
    assert intro in intake.body
    again = read(data, f"a.{form}", options=Options(owner="某某居委会", tables="sentences"))
    assert again.cards == ()
    assert "第一社区食堂，地址为一楼大厅，电话为62340001。" in again.body


@pytest.mark.parametrize("form", ["docx", "pdf", "xlsx", "csv"])
def test_other_tables_become_sentences(read: Read, form: str) -> None:
    data: bytes = {
        "docx": docx(["示例通知", "补贴标准如下。"], [PLAIN]),
        "pdf": pdf([["示例通知", "补贴标准如下。"]], table=PLAIN),
        "xlsx": xlsx({"补贴": PLAIN}),
        "csv": "\n".join(",".join(line) for line in PLAIN).encode("gbk"),
    }[form]
    intake = read(data, f"补贴标准.{form}")
    assert "高龄津贴，标准为每月180元，发放日为每月15日。" in [p.text for p in intake.passages if p.kind == "sentence"]
    assert intake.rows == 2


def test_columns_have_one_meaning_each() -> None:
    names = [name for names in COLUMNS.values() for name in names]
    assert len(names) == len(set(names))


def test_a_table_that_lacks_what_cards_need_is_not_lost(read: Read) -> None:
    intake = read(
        docx(["示例通知", "各点如下，请就近前往办理有关事项，谢谢大家的配合和支持，祝大家身体健康万事如意。"], [LIST]),
        "a.docx",
    )
    assert intake.cards == ()
    assert "第一社区食堂，地址为一楼大厅，电话为62340001。" in intake.body
    assert "could_be_cards" in {notice.code for notice in intake.notices}


def test_owner_and_source_are_asked_once_where_there_is_no_column(read: Read, tmp_path: Path) -> None:
    intake = read("名称;做什么;电话\n甲中心;办理各种事务;021 62340000\n", "a.csv")
    assert [card.problems for card in intake.cards] == [()]
    files = draft_files(intake, {"owner": "某某居委会", "source": "公告", "title": "某某卡片"})
    ((path, text),) = files.items()
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text(text, encoding="utf-8")
    (card, *_) = load_corpus(tmp_path, strict=True).corpus.passages
    assert (card.owner, card.source) == ("某某居委会", "公告")
    assert "021-62340000" in card.text


def test_a_quotation_mark_that_is_never_closed_is_named(read: Read) -> None:
    lines = [",".join(HEADER), ",".join(str(cell) for cell in row(名称="甲食堂")), '"乙食堂,x'] + ["丙,丁,戊"] * 50
    intake = read("\n".join(lines), "a.csv")
    (notice,) = [each for each in intake.notices if each.level == "skipped"]
    assert notice.code == "quotes"
    assert notice.place.row == 3
    assert [card.name for card in intake.cards] == ["甲食堂"]


def test_tables_on_every_page_of_a_pdf_stay(read: Read) -> None:
    intake = read(pdf([["示例通知"], ["又一张表"], ["还有一张"]], header="示例汇编", table=PLAIN), "a.pdf")
    assert len(intake.tables) == 3
    assert intake.body.count("高龄津贴，标准为每月180元") == 3
    assert "汇编" not in intake.body
