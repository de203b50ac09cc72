"""Proposes the front matter: title, number, issuer, dates, each with the words that it was read from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from assistant.contracts import Document
from knowledge.intake.blocks import Block
from knowledge.intake.card_rows import slug
from knowledge.intake.days import read_day
from knowledge.intake.limits import Desk
from knowledge.intake.values import FoundDate, Proposed

LABELS = {
    "id": "编号",
    "title": "标题",
    "kind": "种类",
    "number": "文号",
    "issuer": "发文单位",
    "issued": "发文日期",
    "source": "来源",
    "owner": "负责单位",
    "valid_from": "生效日期",
    "valid_until": "失效日期",
}
_NUMBER = re.compile(r"[\u4e00-\u9fff]{1,12}\s*[〔\[［（(【]\s*((?:19|20)\d\d)\s*[〕\]］）)】]\s*第?\s*(\d{1,4})\s*号")
_TITLE = re.compile(
    r"[^。；！？!?:：]{2,80}(?:方案|通知|办法|意见|规定|细则|指南|公告|规划|条例|决定|通告|须知|指引|计划|报告|函|制度|公约"
    r"|手册|说明|章程|批复|倡议书|一览表|名录|简介|流程|守则|规则|要点|标准|目录|清单|政策|问答)(?:[（(][^()（）]{2,14}[)）])?"
)
_BODY = re.compile(
    r"[\u4e00-\u9fff·]{2,24}(?:局|委|委员会|办公室|办公厅|街道办事处|镇人民政府|人民政府|政府|居民委员会|居委会|村民委员会|村委会|中心|党工委|管理处|服务站|办事处|总站|协会|学校|医院|公司)"
)
_DAY = re.compile(r"(?:(?:19|20)\d\d年\d{1,2}月\d{1,2}日|[一二][〇零○][^年]{2}年.{1,2}月.{1,3}日)")
_MARKED = re.compile(r"[(（]?[一二三四五六七八九十百\d]+[)）、.．]|第[一二三四五六七八九十百\d]+[章条编部]")
_HEAD = 14  # blocks in which title, number and issuer stand


def find_title(blocks: list[Block], given: str, desk: Desk) -> str:
    """The title; the block that holds it becomes the only heading of level 1, others move down.

    '' when nothing reads like a title.
    """
    first = [block for block in blocks if block.level == 1]
    at, title, span = -1, given, 1
    if len(first) == 1:
        at, title = blocks.index(first[0]), given or first[0].text
    elif not given or not first:
        at, span, found = _titled(blocks)
        title = given or found
        if at < 0 and first and blocks[0] is first[0] and not given:
            at, span, title = 0, 1, first[0].text
    for block in blocks:
        if block.level and (len(first) > 1 or at < 0 or block.level == 1):
            block.level = min(6, block.level + 1)
    if at >= 0 and (not given or blocks[at].text.replace(" ", "") == given.replace(" ", "")):
        blocks[at].text = "".join(block.text for block in blocks[at : at + span])
        blocks[at].level, blocks[at].close = 1, False
        del blocks[at + 1 : at + span]
    elif at >= 0 and blocks[at].level == 2 and len(first) == 1:
        blocks[at].level = 1
    return title.strip()[:120]


def _titled(blocks: list[Block]) -> tuple[int, int, str]:
    """Place, number of lines and words of what reads like a title near the beginning; -1 when nothing does."""
    head = blocks[:_HEAD]
    for at, block in enumerate(head):
        if block.grid is not None or len(block.text) > 80 or _MARKED.match(block.text):
            continue
        for span in (1, 2, 3):
            lines = head[at : at + span]
            joined = "".join(each.text for each in lines)
            if any(each.grid is not None or _NUMBER.search(each.text) or len(each.text) > 60 for each in lines):
                break
            if _TITLE.fullmatch(joined) and (span == 1 or re.search("关于|印发|转发", joined)):
                return at, span, joined
    return -1, 1, ""


def propose(
    blocks: Sequence[Block], title: str, given: dict[str, str], dates: Sequence[FoundDate], name: str
) -> list[Proposed]:
    """Every field of the front matter, in order; ``given`` is what the file states itself."""
    head = [block.text for block in blocks[:_HEAD] if block.grid is None]
    number = next((match for text in head if (match := _NUMBER.search(text))), None)
    if number is None:
        number = next((m for b in blocks[-6:] if (m := _NUMBER.fullmatch(b.text.strip("（）() ")))), None)
    issuer, issuer_from = _issuer(blocks, title)
    signed = [each for each in dates if each.role == "issued" and each.value]
    issued = max(signed, key=lambda each: each.value or date.min) if signed else None
    start = next((each for each in dates if each.role == "valid_from" and each.value), None)
    end = next((each for each in dates if each.role == "valid_until" and each.value), None)
    number_text = re.sub(r"\s", "", number.group()) if number else ""
    if number:
        prefix = re.match(r"[\u4e00-\u9fff]+", number_text)
        id_ = f"{slug(prefix.group() if prefix else '')}-{number.group(1)}-{number.group(2)}".strip("-")
    else:
        id_ = slug(title or name.rpartition(".")[0] or name)[:48].strip("-")
    policy = bool(number or issuer or (issued and issued.value))
    stem = name.rpartition(".")[0] or name
    read = {
        "id": (id_ or "document", ""),
        "title": (title or stem, "" if title else "文件名"),
        "kind": ("policy" if policy else "note", ""),
        "number": (number_text, number_text),
        "issuer": (issuer, issuer_from),
        "issued": (_iso(issued), issued.text if issued else ""),
        "source": (
            f"《{title or stem}》（{number_text}）" if number_text else issuer,
            "文号" if number_text else issuer_from,
        ),
        "owner": ("", ""),
        "valid_from": (_iso(start), start.text if start else ""),
        "valid_until": (_iso(end), end.text if end else ""),
    }
    out = []
    for field, (value, because) in read.items():
        own = given.get(field, "").strip()
        if field in ("issued", "valid_from", "valid_until") and own:
            day = read_day(own)
            own = day.isoformat() if day else ""
        if (field == "kind" and own not in ("policy", "note")) or (
            field == "id" and not re.fullmatch(r"[A-Za-z0-9._-]+", own)
        ):
            own = ""
        value, because = (own, "文件里写明") if own else (value, because)
        must = not value and field in ("title", "source", "owner")
        out.append(Proposed(name=field, label=LABELS[field], value=value[:200], because=because, must_fill=must))
    return out


def _issuer(blocks: Sequence[Block], title: str) -> tuple[str, str]:
    """Who issued it: who signed, else whom the title or a line above it names."""
    texts = [block.text.strip() for block in blocks if block.grid is None]
    signed = [
        (read_day(day.replace(" ", "")) or date.min, signer)
        for signer, day in pairwise(texts)
        if _DAY.fullmatch(day.replace(" ", "")) and _BODY.fullmatch(signer.replace(" ", ""))
    ]
    if signed:  # who passes a document on signs later than who drafted it
        signer = max(signed)[1]
        return signer.replace(" ", ""), f"落款“{signer}”"
    joined = re.fullmatch(r"(.{2,24}?)关于.+", title)
    if joined and _BODY.fullmatch(joined.group(1)):
        return joined.group(1), "标题"
    for text in texts[:_HEAD]:
        bare = re.sub(r"文件$", "", text.replace(" ", ""))
        if _BODY.fullmatch(bare):
            return bare, f"“{text}”"
    return "", ""


def _iso(found: FoundDate | None) -> str:
    return found.value.isoformat() if found and found.value else ""


def make_document(front: Sequence[Proposed], digest: str, cards: bool) -> Document:
    """The document as the proposal describes it; an empty owner stays empty until staff fill it."""
    values = {field.name: field.value for field in front}
    start, end = (date.fromisoformat(values[key]) if values[key] else None for key in ("valid_from", "valid_until"))
    return Document(
        id=values["id"],
        title=values["title"],
        kind="cards" if cards else "policy" if values["kind"] == "policy" else "note",
        number=values["number"],
        issuer=values["issuer"],
        issued=date.fromisoformat(values["issued"]) if values["issued"] else None,
        source=values["source"],
        owner=values["owner"],
        valid_from=start,
        valid_until=end,
        digest=digest,
    )
