"""Words around the evidence: numerals, document names, openings, and Chinese punctuation."""

from __future__ import annotations

import re

from assistant.contracts import FactKind, Language, Passage, Question
from assistant.numerals import numeral

_FULL_WIDTH = str.maketrans({",": "，", ";": "；", ":": "："})

# Modal words under which a plain 可以的 is true.
_ALLOWS = re.compile(
    r"支持|鼓励|允许|可(?!能|用度)|推进|推动|发展|提供|增加|拓展|实施|完善|打造|建设|优化|加快|配置|培育|促进|落实"
)
_FORBIDS = re.compile(r"不得|禁止|限制|不予|严禁|从严|减量|淘汰")
_NEGATIVE = re.compile(r"不让|不许|不能|不准|限制|禁止|取消|减少|不是说|没有了|不用|是不是|还是")
_MAY = re.compile(
    r"能不能|可不可以|可以|能否|可否|(?<!功)(?<!智)能(?![级力源量])|允许|准许|[让准许]不[让准许]|让(吗|伐|不)|行不行"
)
_WHICH = re.compile(r"什么|哪|谁|怎么|多少|啥(?!样)(?!说法)")
_ASKS_WHETHER = re.compile(r"(吗|嘛|(?<![什怎那这])么|伐|不|没|没有|否)[?？。!！]?$")
_EXISTS = re.compile(r"(有没有|有|会不会|会|给不给|给|要不要|管不管|帮不帮)")
_SUPPORTS = re.compile(r"支持|鼓励|提倡|推广")


def short_name(title: str) -> str:
    """How a document is called in speech: its kind where the title ends with one."""
    kind = re.search(
        r"(行动方案|实施方案|工作方案|管理办法|实施办法|实施细则|指导意见|若干意见|办法|规定|通知|规划|指南|条例)$",
        title,
    )
    return kind.group(1) if kind else f"《{title}》"


def opening(passage: Passage, question: Question, sure: bool = True) -> str:
    """How an answer begins: where it stands, and yes where that is what was asked and is ``sure``."""
    if passage.article is None:
        if question.language is Language.ENGLISH:
            return "" if passage.kind in ("card", "field") else f"“{passage.title}” says: "
        return "" if passage.kind in ("card", "field") else f"{short_name(passage.title)}里写着，"
    if question.language is Language.ENGLISH:
        return f"Article {passage.article} of the action plan says: "
    yes = _yes(passage, question) if sure else ""
    return f"{yes}{short_name(passage.title)}第{numeral(passage.article)}条提到，"


def _yes(passage: Passage, question: Question) -> str:
    text = question.text
    if (
        not question.yes_no
        or {FactKind.QUANTITY, FactKind.DATE, FactKind.DEPARTMENT} & set(question.kinds)
        or _NEGATIVE.search(text)
        or (_WHICH.search(text) and not _ASKS_WHETHER.search(text))
        or re.search(r"\d(?![\d.]|分钟|年|月|日|条)|[一二三四五六七八九十百千万]+(张|个|家|套|台|元|万)", text)
    ):
        return ""  # a claim in the question is never confirmed with a bare yes
    if _FORBIDS.search(passage.text) or not _ALLOWS.search(passage.text):
        return ""
    if _SUPPORTS.search(text):
        return "支持的，" if re.search(r"支持|鼓励|推广", passage.text) else ""
    if _MAY.search(text) and re.search(r"可(?!能)|支持|鼓励|允许|推进", passage.text):
        return "可以的，"
    return "有的，" if _EXISTS.search(text) else ""


def tidy(text: str) -> str:
    """The document's words as a sentence: Chinese commas, one full stop, nothing else changed."""
    text = re.sub(r"(?<=[^\d\s])[,;:]|[,;:](?=[^\d\s])", lambda m: m.group().translate(_FULL_WIDTH), text.strip())
    return text.rstrip("，；：。,;") + "。"
