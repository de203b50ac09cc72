"""What 小沪 says outside a turn, by name: a client may have it said, and it can be spoken beforehand."""

from __future__ import annotations

from assistant.contracts import Language

CHINESE, ENGLISH = Language.CHINESE, Language.ENGLISH
PHRASES: dict[str, dict[Language, str]] = {
    "greeting": {
        CHINESE: "您好，我是小沪。您想问什么，请说。",
        ENGLISH: "Hello, I am Xiaohu. Please ask me something.",
    },
    "still_there": {
        CHINESE: "您还在吗？还要问，请按“我还在”。",
        ENGLISH: "Are you still there? To go on, please press “I am here”.",
    },
    "time_up": {
        CHINESE: "我们聊了好一会儿了。还要问，请按“我还在”。",
        ENGLISH: "We have been talking for a while. To go on, please press “I am here”.",
    },
    "goodbye": {
        CHINESE: "再见，您慢走。",
        ENGLISH: "Goodbye, take care.",
    },
    "louder": {
        CHINESE: "好的，我说大声一点。",
        ENGLISH: "All right, I will speak louder.",
    },
    "loudest": {
        CHINESE: "这已经是最大声了。",
        ENGLISH: "This is as loud as I can speak.",
    },
}
