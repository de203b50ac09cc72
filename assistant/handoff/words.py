"""What residents are told about a call, in short plain sentences."""

from __future__ import annotations

from assistant.contracts import Language
from assistant.handoff.calls import Call, CallState, Reason

_CHINESE = {
    "waiting": "我正在帮您叫工作人员，请等一等。",
    "waiting_again": "刚才那位工作人员的线断了，我再帮您叫一位，请等一等。",
    "taken": "工作人员接了，请等一等，马上回您的话。",
    "taken_over": "现在是工作人员跟您说话。您请说，您的话会传给工作人员。",
    "handed_back": "工作人员说完了，现在还是小沪陪您。",
    "nobody": "对不起，现在没有工作人员有空。",
    "staff_closed": "工作人员说完了。还有事，您再问我。",
    "staff_gone": "对不起，工作人员的线断了。",
    "idle": "好一会儿没人说话，我先把电话挂了。还有事，您再叫我。",
    "resident": "好的，不叫工作人员了。",
    "resident_left": "电话已经挂了。",
    "ring": "您可以打{number}，会有人帮您。",
    "relayed": "好的，我告诉工作人员了，请等一等。",
    "call_now": "要不要我现在叫工作人员？您可以说“要”，也可以点屏幕。",
    "share": "要不要把刚才说的话给工作人员看？给了，您就不用再说一遍。",
    "shared": "好的，给工作人员看了。",
    "not_shared": "好的，不给看。",
    "declined": "好的，那就不叫了。您有事再问我。",
    "manned": "现在有工作人员在。要叫的话，点“叫工作人员”。",
    "unmanned": "现在没有工作人员在。",
    "consent": "要不要把下面这些话给工作人员看？给了，您就不用再说一遍。不给，也一样可以叫人。看完就删，不会留下来。",
}
_ENGLISH = {
    "waiting": "I am calling a staff member for you. Please wait a moment.",
    "waiting_again": "The line to the staff member broke. I am calling another one. Please wait a moment.",
    "taken": "A staff member is here and will answer you in a moment.",
    "taken_over": "You are now talking to a staff member. What you say is passed on.",
    "handed_back": "The staff member has finished. It is Xiao Hu again.",
    "nobody": "Sorry, no staff member is free just now.",
    "staff_closed": "The staff member has finished. Ask me if there is anything else.",
    "staff_gone": "Sorry, the line to the staff member broke.",
    "idle": "Nobody has spoken for a while, so I ended the call. Ask me if you need anything.",
    "resident": "All right, I have stopped calling.",
    "resident_left": "The call has ended.",
    "ring": "You can ring {number} and someone will help you.",
    "relayed": "I have told the staff member. Please wait a moment.",
    "call_now": "Shall I call a staff member now? Say yes, or touch the screen.",
    "share": "May the staff member see what we have just said? Then you need not say it again.",
    "shared": "All right, the staff member can see it.",
    "not_shared": "All right, I will not show it.",
    "declined": "All right, I won't call anyone. Just ask me.",
    "manned": "A staff member is here now. Touch “Call a person” to call.",
    "unmanned": "No staff member is here just now.",
    "consent": "May the staff member see the words below? Then you need not say them again. You can call without "
    "showing them. They are deleted afterwards.",
}


def say(name: str, language: Language, **values: str) -> str:
    """One sentence by its name."""
    return (_ENGLISH if language is Language.ENGLISH else _CHINESE)[name].format(**values)


def ring(language: Language, number: str) -> str:
    """Which number to ring instead; empty without one."""
    return say("ring", language, number=number) if number else ""


def message_of(call: Call, handed_back: bool = False) -> str:
    """What the resident is told about the state that a call is in."""
    name: str
    if call.state is CallState.WAITING:
        name = "waiting_again" if call.reason is Reason.STAFF_GONE else "waiting"
    elif call.state is CallState.TAKEN:
        name = "taken_over" if call.taken_over else "handed_back" if handed_back else "taken"
    else:
        name = call.reason.value
    text = say(name, call.language)
    if call.reason in (Reason.NOBODY, Reason.STAFF_GONE) and not call.open:
        between = " " if call.language is Language.ENGLISH else ""
        text = f"{text}{between}{ring(call.language, call.hotline)}"
    return text


def spoken() -> tuple[str, ...]:
    """Every sentence without a gap, so that it can be said beforehand."""
    return tuple(text for words in (_CHINESE, _ENGLISH) for text in words.values() if "{" not in text)
