"""Small talk: greetings and thanks, answered without search and without citations."""

from __future__ import annotations

import re

from assistant.contracts import Answer, Citation, Language

_WORDS: dict[str, tuple[str, str]] = {
    "greeting": (
        "您好，我是小沪。社区服务和行动方案的事，您可以问我。",
        "Hello, I am Xiao Hu. Ask me about community services and the city's action plan.",
    ),
    "thanks": ("不用谢，有事您再问我。", "You're welcome. Ask me whenever you need."),
    "goodbye": ("再见，您慢走。", "Goodbye, take care."),
    "who_are_you": (
        "我叫小沪，是社区的数字服务员，不是真人。社区服务和行动方案的事，您可以问我。",
        "I am Xiao Hu, a digital assistant of the community, not a person. Ask me about community services.",
    ),
    "what_can_you_do": (
        "我能帮您查行动方案里的内容，比如养老、托育、加装电梯，也能告诉您办事该打哪个热线。",
        "I look things up in the city's action plan, such as elderly care, childcare or lifts, and tell you "
        "which hotline to ring.",
    ),
    "nothing_to_repeat": ("我还没有说过什么，您请问。", "I have not said anything yet. Please ask."),
}
# Not answered from any document, so honest callers are told that it is no answer.
_NOT_FROM_DOCUMENTS = ("who_are_you",)


def talk(kind: str, language: Language) -> Answer:
    """What to say to ``kind`` of small talk."""
    chinese, english = _WORDS[kind]
    return Answer(
        text=english if language is Language.ENGLISH else chinese,
        language=language,
        engine="talk",
        refused=kind in _NOT_FROM_DOCUMENTS,
        reason=kind,
    )


def ask_for_person(card: Citation | None, language: Language) -> Answer:
    """What to say to somebody who wants a person: the number on a hotline's ``card``, or the counter nearby."""
    number = next(iter(re.findall(r"\d{3,}", card.quote)), None) if card else None
    english = language is Language.ENGLISH
    if number is None:
        text = "You can ask at the community's counter." if english else "您可以到社区的窗口，问问工作人员。"
    else:
        text = f"You can ring {number} and talk to a person." if english else f"您可以打电话{number}，跟工作人员说。"
    return Answer(
        text=text,
        citations=(card,) if card else (),
        language=language,
        engine="talk",
        reason="person",
        hotline=number,
        wants_person=True,
    )
