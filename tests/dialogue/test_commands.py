"""Orders to the speaker, and sounds of listening on."""

from __future__ import annotations

import pytest

from assistant.dialogue.commands import command, only_listening


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("慢一点", "slower"),
        ("请你说慢一点好吗？", "slower"),
        ("你说得太快了", "slower"),
        ("太快了，慢点讲。", "slower"),
        ("再慢一点。", "slower"),
        ("Please speak more slowly.", "slower"),
        ("快一点吧", "faster"),
        ("Faster, please", "faster"),
        ("停", "stop"),
        ("好了好了，别说了。", None),
        ("别说了", "stop"),
        ("Stop talking", "stop"),
        ("慢性病怎么办？", None),
        ("快递柜能装吗？", None),
        ("停车位够不够？", None),
        ("什么时候能快一点装电梯？", None),
        ("养老床位有多少张？", None),
    ],
)
def test_only_a_whole_order_is_one(text: str, order: str | None) -> None:
    assert command(text) == order


@pytest.mark.parametrize(
    "text", ["嗯", "嗯嗯嗯。", "哦，好的。", "对对对", "是的", "知道了。", "咳咳", "OK", "uh-huh", "Yeah, right."]
)
def test_listening_on(text: str) -> None:
    assert only_listening(text)


@pytest.mark.parametrize("text", ["", "好的，那托育呢？", "对不起", "是不是有补贴", "行动方案", "Yes, but where?"])
def test_not_listening_on(text: str) -> None:
    assert not only_listening(text)
