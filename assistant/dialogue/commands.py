"""Words to the speaker herself: slower, faster, and sounds of listening that interrupt nothing."""

from __future__ import annotations

import re
from typing import Literal

Command = Literal["slower", "faster", "stop"]

_EDGES = re.compile(r"[\s，,。.！!？?、~～…]+")
_LEAD = r"(?:小沪|请|请你|你|您|麻烦|能不能|可以|可不可以|能|再|说|讲|话|稍微|稍|太快了|太慢了|帮我|给我)*"
_COMMANDS: dict[Command, re.Pattern[str]] = {
    "slower": re.compile(
        rf"{_LEAD}(?:慢(?:一?点|些|慢讲|慢说)?(?:儿|说|讲)?|太快|说?得?太快|听不清太快)(?:吗|吧|好吗|行吗|了|说|讲|一点|来)*|"
        r"(?:please )?(?:speak |talk |say it |go )?(?:more )?slow(?:er|ly)(?: please)?|(?:you are )?too fast"
    ),
    "faster": re.compile(
        rf"{_LEAD}(?:快(?:一?点|些)?(?:儿|说|讲)?|太慢|说?得?太慢)(?:吗|吧|好吗|行吗|了|说|讲|一点|来)*|"
        r"(?:please )?(?:speak |talk |say it |go )?(?:more )?(?:faster|quick(?:er|ly))(?: please)?|(?:you are )?too slow"
    ),
    "stop": re.compile(
        r"(?:小沪)?(?:停|停一?下|停下来?|别说了|不要说了|不用说了|别讲了|不要讲了|好了好了|行了行了|够了)(?:吧|了)?|"
        r"stop(?: it| talking| please)?|be quiet|that is enough|that's enough"
    ),
}
_LISTENING = re.compile(
    r"(?:嗯+|唔+|呣+|哦+|噢+|喔+|啊+|呃+|额+|哎+|欸+|诶+|哈+|呵+|嘿+|咳+|对+|对的|对对|是+|是的|好+|好的|好呀|行|知道了|晓得了|晓得|明白|"
    r"这样啊|这样|原来如此|ok|okay|uh|um|hm+|mhm|uh-?huh|yeah|yes|right|i see|ah|oh)+"
)


def command(text: str) -> Command | None:
    """The command that the whole of ``text`` is, if any."""
    said = _EDGES.sub("" if re.search(r"[\u4e00-\u9fff]", text) else " ", text.lower()).strip()
    return next((name for name, pattern in _COMMANDS.items() if pattern.fullmatch(said)), None)


def only_listening(text: str) -> bool:
    """Whether ``text`` is what one says while listening on: 嗯, 哦, 对对."""
    return bool(_LISTENING.fullmatch(_EDGES.sub("", text.lower())))
