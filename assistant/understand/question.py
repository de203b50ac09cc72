"""From a resident's words and the conversation to a Question that stands alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.contracts import STORY, Exchange, FactKind, Language, Question
from assistant.understand.clean import detect_language
from assistant.understand.follow_up import resolve
from assistant.understand.intent import departments_named, understand

# Words that speak of asking, not of what is asked.
_FRAME = re.compile(
    r"(?:what|how) does the (?:action )?plan say (?:about|on)|does the plan (?:say|mention) (?:anything )?(?:about|on)|"
    r"according to the plan,?|in the plan|(?:这个|行动)?方案(?:里面?|中|上)?(?:到底|究竟|是|对此)?(?:怎么|有没有|提没提|有没有说法|有什么说法)?(?:说|写|提到?|讲|规定)?(?:的|了|过)?(?:是|吗|没有)?(?=[,，。?？]|$)|方案(?:里面?|中|上)(?:是)?(?:怎么)?(?:说|写|提到?|讲|规定)(?:的|了|过)?|政府说|听说|我想?问一?下?",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"(?:这(?:件事|块|个事|些|方面)?)?(?:的(?:事|责任|主管)?)?(?:是|由|归|属于|要找|找)?(?:哪(?:个|些|几个|一个)(?:政府)?(?:部门|单位|局|委|机构)|什么(?:部门|单位)|谁)(?:来)?"
    r"(?:负责|主管|管理|管|牵头|抓|弄|保障)?(?:的|呀|呢|啊)?|责任(?:部门|单位)(?:是|有)?(?:哪些|谁)?|归口|"
    r"(?:which|what) (?:department|bureau|authority|agency|commission)s? (?:is|are)?|who is|responsible for|in charge of",
    re.IGNORECASE,
)

# What may be left of a question that only asks who: words that point, and no topic.
_POINTER = re.compile(r"(?:[这那个件事情它的呢啊呀吗了是都该此由有市区里来会要做弄办]|that|this|it|\W)*", re.IGNORECASE)


def last_part(text: str) -> str:
    """The end of a long story, where its question stands; a short text is taken whole."""
    chinese = sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 4
    longest = STORY[Language.CHINESE if chinese else Language.ENGLISH]
    if len(text) <= longest:
        return text
    clauses = re.findall(r"[^，,。；;！!？?]+[，,。；;！!？?]*", text)
    end = ""
    while clauses and len(end) + len(clauses[-1]) <= longest:
        end = clauses.pop() + end
    return end or text[-longest:]


def _topic(text: str, asks_who: bool) -> str:
    """What is to be searched: without the words of asking, unless nothing would remain."""
    bare = _FRAME.sub("", text)
    if asks_who:
        bare = _WHO.sub("", bare)
    return bare if len(re.findall(r"\w", bare)) >= 2 else text


def make_question(
    text: str,
    memory: Sequence[Exchange] = (),
    language: Language | None = None,
    aliases: Mapping[str, str] | None = None,
    this_year: int = 2026,
    sample_names: Sequence[str] = ("示例", "sample community"),
) -> Question:
    """Read ``text`` (cleaned) in the light of ``memory``, oldest exchange first.

    The language is the one that was asked in; ``language`` decides where the words don't.
    """
    spoken = detect_language(text) if any(c.isalpha() for c in text) else (language or Language.CHINESE)
    intent = understand(last_part(text), this_year)
    asks_who = FactKind.DEPARTMENT in intent.kinds and not departments_named(text, aliases or {})
    no_topic = asks_who and bool(_POINTER.fullmatch(_WHO.sub("", _FRAME.sub("", text))))
    resolved = resolve(text, memory, intent.kinds, spoken, no_topic)
    kinds = intent.kinds
    years, places = intent.years, intent.places
    if resolved.follow_up and kinds == (FactKind.GENERAL,):
        kinds = understand(resolved.text, this_year).kinds
    return Question(
        text=text,
        resolved=_topic(resolved.text, FactKind.DEPARTMENT in kinds),
        language=spoken,
        kinds=kinds,
        years=years,
        places=places,
        departments=departments_named(text, aliases or {}),
        article=resolved.article or intent.article,
        chapter=intent.chapter,
        yes_no=intent.yes_no,
        more=resolved.more,
        focus=resolved.focus,
        follow_up=resolved.follow_up,
        bare=resolved.bare,
        asks_sample=any(name in text.lower() for name in sample_names),
    )
