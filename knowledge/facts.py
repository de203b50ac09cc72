"""Which kinds of fact a text holds, and whether it gives orders to a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from assistant.contracts import FactKind

_KINDS = {
    FactKind.QUANTITY: re.compile(r"\d|百分之|全覆盖|至少有?一[所个家处]"),
    FactKind.PRICE: re.compile(r"\d[\d,.]{0,20}\s?[万亿]?(?:元|块)|免(?:收)?费(?:拨打)?|不收费"),
    FactKind.PHONE: re.compile(
        r"(?<!\d)(?:\d{3}|\d{5}|\d{7,8}|\d{3,4}-\d{7,8}|1\d{10}|400-?\d{3}-?\d{4})(?!\d).{0,8}(?:热线|电话)"
        r"|(?:电话|热线|拨打|致电)[^。]{0,12}\d{3}"
    ),
    FactKind.DATE: re.compile(r"(?:19|20)\d\d年|“?十[三四五]五”?期间|\d{1,2}月\d{1,2}日"),
    FactKind.HOURS: re.compile(r"\d{1,2}[:：]\d{2}|[上下]午\d|(?:24|二十四)小时|工作日"),
    FactKind.ADDRESS: re.compile(r"[\u4e00-\u9fff]{1,8}(?:路|街|弄|大道)\d+(?:号|弄)|地址(?:是|在|:|：)"),
    FactKind.PROCEDURE: re.compile(
        r"(?:请|须|需|应)(?:先|当)?(?:携带|提交|填写|拨打|前往|出示|登录)"
        r"|办理流程|第一步|步骤(?:是|:|：)|携带.{0,20}(?:证|卡|材料)"
    ),
    FactKind.ELIGIBILITY: re.compile(
        r"(?:年满|满)\d+(?:周?岁)|申请条件|符合(?:下列|以下)条件|服务对象(?:是|为|:|：)|面向[^,，。]{2,20}居民"
    ),
}

_ORDERS = re.compile(
    r"(?:忽略|无视|忘记|忘掉|不要理会|不要遵守)(?:以上|之前|前面|上面|先前|此前|所有|全部|一切|系统|你的)+的?"
    r".{0,6}(?:指令|指示|规则|提示|要求|设定|内容)"
    r"|(?:系统|初始)提示词|你(?:现在|从现在起)(?:是|扮演)|你(?:必须|只能|只许|一定要)(?:回答|回复|输出|告诉|说)"
    r"|(?:回答|回复)(?:任何|所有|一切).{0,6}问题(?:时|都|,|，).{0,6}(?:说|回答|回复|输出|必须)"
    r"|(?:不要|别)告诉(?:用户|居民|提问者)|(?:不要|别)向(?:用户|居民|提问者)(?:透露|提及|说明)"
    r"|ignore\s+(?:(?:all|any|the|your|of)\s+)*(?:previous|prior|above|earlier)"
    r"|(?:disregard|forget)\s+(?:all|any|the|your|previous|everything)"
    r"|system\s+prompt|you\s+(?:are\s+now|must\s+(?:answer|reply|say|respond))\b"
    r"|<\|im_(?:start|end)\|>|\[/?INST\]",
    re.IGNORECASE,
)
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")


def fact_kinds(text: str, departments: Sequence[str] = ()) -> tuple[FactKind, ...]:
    """Kinds of fact in ``text``; DEPARTMENT when it stands in an article that names ``departments``.

    GENERAL is never among them: every text may answer a general question.
    """
    found = [kind for kind, pattern in _KINDS.items() if pattern.search(text)]
    if departments:
        found.append(FactKind.DEPARTMENT)
    return tuple(found)


def gives_orders(text: str) -> bool:
    """Whether ``text`` addresses a model: such words are data and are never spoken.

    Full-width letters and characters without width hide nothing.
    """
    return bool(_ORDERS.search(_HIDDEN.sub("", unicodedata.normalize("NFKC", text))))
