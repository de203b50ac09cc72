"""Follow-ups: a question that leans on the conversation is completed so that it stands alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.contracts import Exchange, FactKind, Language

# Words that point back, and the bare questions that have no topic of their own.
_POINTS = re.compile(
    r"^(那么?|还有|另外|其中|这个|那个|它|他们|她们|这|该|上面|刚才|前面|再|具体)|^(它|这|那)(个|些|项|条|件事)?(?=.{0,6}$)"
    r"|^(and|what about|how about|also)\b|\b(it|that|they|this one)\b",
    re.IGNORECASE,
)
_SWAP = re.compile(
    r"^(?:那么?|还有|另外|再问问?|and|what about|how about|and what about)?[,，\s]*(?:for )?(?P<topic>.{1,24}?)"
    r"(?:呢|怎么样|又怎么说|怎么讲)?[?？。!！呀啊]*$",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"^(还有(呢|吗|别的(吗|呢)?|什么|其他的?吗?)?|别的呢|其他呢|然后呢|继续说?|再说点|接着说|anything else|what else|more|go on)[?？。!！]*$",
    re.IGNORECASE,
)
_NEXT = re.compile(r"^(那|那么)?(下|后)一?条(呢|讲什么|是什么|说什么)?[?？]*$|^(the )?next article\b", re.IGNORECASE)
_PREVIOUS = re.compile(
    r"^(那|那么)?(上|前)一?条(呢|讲什么|是什么|说什么)?[?？]*$|^(the )?previous article\b", re.IGNORECASE
)
_EMPTY = (
    r"请问|第[一二两三]个|那|那么|它|这|这个|这事|这件事|这块|这些|都|是|由|归|该|具体|大概|到底|一共|总共|要|会|能|可以|应该|在|"
    r"从|去|到|我|我们|的|了|呢|吗|吧|啊|呀|伐|嘛|么|和|还|又|就|才|被|让|给|得|有|没有|要不要|用|做|弄|建|设|管|办|"
    r"哪个|哪些|哪几个|哪个委|哪个局|委|市里|区里|牵头|变成|变|改成|改|叫|算|包括|具体|哪里|哪儿|哪年|哪一?年|哪天|什么|啥|怎么|如何|好|事|事情|个|年|年底|覆盖|用来|干什么|干嘛|干|来|多少|几|几个|多久|多大|几时|时候|时间|辰光|之前|以前|完成|做到|实现|达到|"
    r"负责|主管|牵头|部门|单位|局|谁|在|张|个|家|套|间|人|钱|元|电话|号码|地址|申请|报名|办理|条件|材料|流程|手续|费用|价格|收费|"
    r"地方|方面|范围|级别|前提|对象|目标|标准|比例|内容|意思|具体|开放|几点|领|拿|用在|能用|一个月|每月|每年|交|付|"
    r"which|what|who|when|where|how|many|much|is|are|do|does|the|in|charge|department|responsible|for|by|of|it|that|this|they|i|can|to|"
    r"apply|cost|will|be|a|an|should|phone|number|deadline|year|tickets?|target|[0-9]+|[,，。?？!！、\s]"
)
_BARE = re.compile(rf"^(?:{_EMPTY})+$", re.IGNORECASE)
# What many matters have: after one of them 床位有几张 asks for its own, alone it asks for the best known.
_THIN = re.compile(
    rf"^(?:{_EMPTY}|搞|推出|打造|建成|成|套|所|座|类|种|样|处|条|项|床位|名额|站点|网点|机构|场所|设施|全|共|大|计划|打算|规模|面积|覆盖率|每个?区|各区|最少|至少|最多|扶持|支持|鼓励|领域|上面|里面|花|哪段|哪一段|里|街镇|街道|请)+$",
    re.IGNORECASE,
)
_THIN_LONGEST = 12  # characters


@dataclass(frozen=True)
class Resolved:
    """A question that stands alone."""

    text: str
    focus: str | None = None  # passage id of what was spoken about
    article: int | None = None  # article named relative to the last
    more: bool = False  # wants what has not been said yet
    follow_up: bool = False
    bare: bool = False  # points back, and there is nothing to point to


_FIRST = re.compile(
    r"(是|对|嗯)?(第一|前一|前面那?|头一)个?[。!！]?|对(的|啊|呀)?[。!！]?|是的?[。!！]?|(the )?first( one)?\.?|yes\.?",
    re.I,
)
_SECOND = re.compile(r"(是|对|嗯)?(第二|后一|后面那?)个?[。!！]?|(the )?second( one)?\.?|the latter\.?", re.I)

_ASKS = {
    FactKind.QUANTITY: {Language.CHINESE: "有多少", Language.ENGLISH: "how many"},
    FactKind.DEPARTMENT: {Language.CHINESE: "哪些部门负责", Language.ENGLISH: "which department is responsible"},
    FactKind.PHONE: {Language.CHINESE: "打哪个电话", Language.ENGLISH: "which number to ring"},
    FactKind.PRICE: {Language.CHINESE: "多少钱", Language.ENGLISH: "how much does it cost"},
    FactKind.DATE: {Language.CHINESE: "什么时候", Language.ENGLISH: "by when"},
}


def resolve(
    text: str, memory: Sequence[Exchange], kinds: tuple[FactKind, ...], language: Language, no_topic: bool = False
) -> Resolved:
    """Complete ``text`` from ``memory`` (oldest first); a question with its own topic stays as it is.

    ``no_topic``: known to ask only who, of something that isn't named.
    """
    if not memory:
        return Resolved(text, bare=bool(no_topic or _BARE.match(text)))
    last = memory[-1]
    topic_turn = next((each for each in reversed(memory) if each.passage_ids and not each.refused), None)
    focus = topic_turn.passage_ids[0] if topic_turn else None
    if (_NEXT.match(text) or _PREVIOUS.match(text)) and topic_turn and topic_turn.article:
        return Resolved(text, article=topic_turn.article + (1 if _NEXT.match(text) else -1), follow_up=True)
    if _MORE.match(text) and topic_turn:
        return Resolved(topic_turn.resolved, focus, more=True, follow_up=True)
    if no_topic or _BARE.match(text) or (len(text) <= _THIN_LONGEST and _THIN.match(text)):
        # Nothing but the question word: the topic is what was spoken about, known or not.
        if last.refused and last.passage_ids and last.article:
            topic_turn, focus = last, last.passage_ids[0]
        anchor = topic_turn or (last if not last.refused else None)
        if anchor is None:
            return Resolved(text, bare=True)
        return Resolved(f"{_topic(anchor)} {_without_pointer(text)}", focus, follow_up=True)
    swap = _SWAP.match(text)
    if swap and _is_swap(text):
        topic = _without_pointer(swap.group("topic"))
        ask = _ASKS.get(last.kind, {}).get(language, "") if kinds == (FactKind.GENERAL,) else ""
        return Resolved(f"{topic} {ask}".strip() if ask else topic, focus, follow_up=True)
    if _POINTS.match(text) and len(text) <= 24:
        return Resolved(_without_pointer(text), focus, follow_up=True)
    return Resolved(text)


def chosen(text: str, options: Sequence[str]) -> str | None:
    """The one of two ``options`` that ``text`` picks (第一个, the second one), or None."""
    if len(options) != 2:
        return None
    return options[0] if _FIRST.fullmatch(text) else options[1] if _SECOND.fullmatch(text) else None


def _is_swap(text: str) -> bool:
    """那托育呢, 孤儿呢, and for dementia: a new topic under the same question."""
    chinese = re.search(r"(呢|怎么样)[?？。!！]*$", text) and len(text) <= 16
    english = re.match(r"^(and|what about|how about)\b", text, re.IGNORECASE) and len(text) <= 60
    return bool(chinese or english)


def _without_pointer(text: str) -> str:
    bare = re.sub(r"^(那么?|还有|另外|and what about|and|what about|how about)[,，\s]*", "", text, flags=re.IGNORECASE)
    bare = re.sub(r"^(好吧|算了|行|哦|嗯|ok|okay)[,，]\s*(那么?)?", "", bare, flags=re.IGNORECASE)
    return bare.strip() or text


def _topic(exchange: Exchange) -> str:
    """The earlier question without its own question words, so that only its topic is carried on."""
    text = re.sub(
        r"(有没有|能不能|会不会|是不是|可不可以|哪些|哪个|什么时候|到什么时候|什么|多少|几个?|怎么|如何|请问|吗|呢|吧|伐|啊|呀|[?？!！。])",
        "",
        exchange.resolved,
    )
    return re.sub(
        r"\b(how many|how much|which|what|when|will|there|be|is|are)\b", "", text, flags=re.IGNORECASE
    ).strip()
