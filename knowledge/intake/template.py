"""The table of service cards that staff download, fill in, and hand in again."""

from __future__ import annotations

from io import BytesIO

from knowledge.intake.card_rows import COLUMNS, EXAMPLE, LABELS

_REQUIRED = ("name", "what", "owner", "source")
_HELP = {
    "name": "必填。居民听得懂的名字，如“某某社区食堂”。",
    "what": "必填。用一句话写它能办什么，至少四个字。",
    "who": "谁可以用。",
    "where": "怎么找到它：路名、门牌、楼层。",
    "hours": "几点到几点，周末和节假日开不开。",
    "phone": "只写公开的办公电话或热线，不要写个人手机；几个号码用顿号隔开。这一列请保持“文本”格式。",
    "fee": "多少钱；不收费就写“免费”。",
    "documents": "要带什么，用分号隔开。",
    "steps": "怎么办，一步一步写，用分号隔开。",
    "aliases": "居民的其他叫法，用分号隔开。",
    "phrasings": "居民会怎么问，用分号隔开。",
    "owner": "必填。谁负责让这张卡片一直是对的。",
    "source": "必填。信息从哪里来，如文件名、公告名。",
    "valid_from": "从哪一天起可以用，写成 2026-01-31；可以不填。",
    "valid_until": "最后能用的一天，写成 2026-12-31；可以不填。",
    "sample": "演示用的假数据写“是”；真实的留空。",
    "remark": "给同事看的话，不会发布。",
}
_ROW = {
    "name": "示例社区食堂",
    "what": "为示例社区的居民供应午餐，这是演示数据",
    "who": "示例社区的居民",
    "where": "示例路1号（并不存在）",
    "hours": "示例时间，每天10:30到13:00",
    "phone": "示例号码000-0001",
    "fee": "示例价格，一份10元",
    "documents": "示例敬老卡",
    "steps": "到窗口选餐；刷卡或付现金",
    "aliases": "示例食堂",
    "phrasings": "示例社区哪里可以吃饭；示例食堂几点开门",
    "owner": "示例居委会",
    "source": "演示数据",
    "sample": "是",
    "remark": f"{EXAMPLE}，上传时会自动跳过",
}


def card_template() -> bytes:
    """An .xlsx with a sheet to fill in and a sheet that explains each column."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    sheet.title = "服务卡片"
    fields = list(COLUMNS)
    sheet.append([LABELS[field] + ("*" if field in _REQUIRED else "") for field in fields])
    sheet.append([_ROW.get(field, "") for field in fields])
    for at, field in enumerate(fields, 1):
        head, letter = sheet.cell(1, at), get_column_letter(at)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="FCE4D6" if field in _REQUIRED else "DDEBF7")
        sheet.cell(2, at).font = Font(italic=True, color="808080")
        sheet.column_dimensions[letter].width = 32 if field in ("what", "phrasings", "steps") else 20
        for row in range(2, 502):
            sheet.cell(row, at).number_format = "@"  # text, so that no number loses its leading zero
            sheet.cell(row, at).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "B2"
    choice = DataValidation(type="list", formula1='"是"', allow_blank=True)
    choice.add(f"{get_column_letter(fields.index('sample') + 1)}2:{get_column_letter(fields.index('sample') + 1)}501")
    sheet.add_data_validation(choice)
    guide = book.create_sheet("填写说明")
    guide.append(["列", "怎么填"])
    for field in fields:
        guide.append([LABELS[field], _HELP[field]])
    guide.column_dimensions["A"].width, guide.column_dimensions["B"].width = 16, 90
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()
