"""What comes before any search: danger, orders to the model, insults, small talk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import yaml

from assistant.understand.clean import HAN, simplified, tidy, without_fillers
from assistant.understand.emergencies import Emergency, prepare, recognise_emergency

__all__ = [
    "Emergency",
    "SmallTalk",
    "abusive",
    "gives_orders",
    "prepare",
    "recognise_emergency",
    "small_talk",
    "strip_orders",
]

SmallTalk = Literal["greeting", "thanks", "goodbye", "who_are_you", "what_can_you_do", "repeat", "person"]

MANNERS = Path(__file__).with_name("manners.yaml")

_SENTENCE = re.compile(r"(?:[^。！？!?；;\n.]|\.(?=\w))+[。！？!?；;\n.]*|[。！？!?；;\n.]+")
_CLAUSE = re.compile(r"(?:[^，,、]|(?<=\d),(?=\d))+[，,、]*")
_JOINED = re.compile(
    r"^(?:然后|并且|而且|同时|接着|另外|还有|顺便|再|和|但是?|不过|那么|所以|and|then|but|also|please)[，,\s]*"
)
_EDGES = re.compile(r"^[\s，,、。；;：:!！]+|[\s，,、；;：:]+$")
_ASKS = re.compile(
    r"[？?]|吗|呢|多少|几|哪|什么|啥|怎么|怎样|如何|谁|何时|是否|能不能|有没有|可不可以|介绍|想问|请问|说说|讲讲|告诉我"
    r"|\b(?:how|what|when|where|which|who|why|is|are|can|could|does|do|tell me|i want to know)\b",
    re.IGNORECASE,
)
_MEANS = re.compile(rf"[{HAN}]{{2}}|[A-Za-z]{{3}}")
_SPACES = re.compile(rf"(?<=[{HAN}]) +(?=[{HAN}])")
_END_MARKS = "。！？!?，,、；;：:~～….\"“”' "
_LONG_CODE = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/=])")


@dataclass(frozen=True)
class _Manners:
    orders: tuple[re.Pattern[str], ...]
    abuse: re.Pattern[str]
    small_talk: dict[SmallTalk, re.Pattern[str]]


@lru_cache(maxsize=1)
def _manners() -> _Manners:
    """The patterns of manners.yaml, compiled once."""
    data = yaml.safe_load(MANNERS.read_text(encoding="utf-8"))
    orders = [re.compile(pattern, re.IGNORECASE) for language in ("zh", "en") for pattern in data["orders"][language]]
    abuse = re.compile(f"{data['abuse']['zh']}|{data['abuse']['en']}", re.IGNORECASE)
    talk = {kind: re.compile(data["small_talk"][kind], re.IGNORECASE) for kind in get_args(SmallTalk)}
    return _Manners(tuple(orders), abuse, talk)


def _orders(text: str) -> bool:
    text = _SPACES.sub("", simplified(text))
    return any(pattern.search(text) for pattern in _manners().orders) or any(
        re.search(r"[a-z]", code) and re.search(r"[A-Z0-9]", code) for code in _LONG_CODE.findall(text)
    )


def gives_orders(text: str) -> bool:
    """Whether ``text`` orders the model about, or asks for its prompt or for other residents' data."""
    return _orders(tidy(text))


def strip_orders(text: str) -> str:
    """The honest question in ``text`` once the ordering sentences are out; '' when none is left."""
    text = tidy(text)
    if not _orders(text):
        return text
    kept = []
    ordered = False  # what follows an order belongs to it unless it asks something
    for sentence in _SENTENCE.findall(text):
        if not _orders(sentence):
            if not ordered or _ASKS.search(sentence):
                kept.append(sentence)
            continue
        ordered = True
        kept += [
            clause
            for clause in _CLAUSE.findall(sentence)
            if not _orders(clause) and _ASKS.search(clause) and _MEANS.search(clause)
        ]
    rest = _EDGES.sub("", "".join(kept))
    rest = without_fillers(_EDGES.sub("", _JOINED.sub("", rest)))
    # An order may need two clauses to show: then nothing here can be trusted.
    return rest if _MEANS.search(rest) and not _orders(rest) else ""


def abusive(text: str) -> bool:
    """Whether ``text`` insults someone."""
    return bool(_manners().abuse.search(_SPACES.sub("", tidy(text))))


def small_talk(text: str) -> SmallTalk | None:
    """The kind of small talk that the whole of ``text`` is, if any."""
    said = _SPACES.sub("", tidy(text)).strip(_END_MARKS).lower()
    if not said:
        return None
    for form in (said, re.sub(rf"(?<=[{HAN}])[，,、](?=[{HAN}])", "", said)):
        for kind, pattern in _manners().small_talk.items():
            if pattern.fullmatch(form):
                return kind
    return None
