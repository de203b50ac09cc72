"""Every word that voice shows on the resident's page, in both languages; ``{}`` is filled in by the page."""

from __future__ import annotations

from assistant.contracts import Language

_CHINESE = {
    "talk": "说话",
    "end": "停止",
    "connecting": "正在连接",
    "listening": "我在听，请说",
    "hearing": "正在听您说",
    "thinking": "正在查找文件",
    "speaking": "小沪正在说",
    "reconnecting": "连接断了，正在重新连接",
    "muted": "麦克风已关",
    "you": "您问",
    "misheard": "听成了“{}”，不对请按这里改",
    "correct": "不对？按这里改",
    "repeat": "再说一遍",
    "slower": "慢一点",
    "faster": "快一点",
    "quiet": "停",
    "speed": "语速 {}%",
    "recording": "正在保存录音",
    "unsure": "没听清，请再说一遍。",
    "refused": "麦克风没有打开。请在浏览器里允许使用麦克风，再按“说话”。您也可以打字问我。",
    "missing": "没有找到麦克风。请接上麦克风再按“说话”，或者打字问我。",
    "taken": "麦克风用不了，可能别的程序正在用它。请关掉别的程序再试，或者打字问我。",
    "insecure": "用这个网址打开时，浏览器不让用麦克风。请工作人员改用 https 网址，您可以先打字问我。",
    "unable": "这个浏览器不能用语音，请打字问我。",
    "none": "这里没有开通语音，请打字问我。",
    "mute": "这里只能听您说，不能出声，回答请看屏幕。",
    "unplugged": "麦克风断开了。请接好以后再按“说话”。",
}

_ENGLISH = {
    "talk": "Talk",
    "end": "Stop",
    "connecting": "Connecting",
    "listening": "I'm listening, please speak",
    "hearing": "Hearing you",
    "thinking": "Looking through the documents",
    "speaking": "Xiaohu is speaking",
    "reconnecting": "Connection lost, trying again",
    "muted": "Microphone is off",
    "you": "You asked",
    "misheard": "Heard as “{}”. Wrong? Press here to correct it",
    "correct": "Wrong? Press here to correct it",
    "repeat": "Say again",
    "slower": "Slower",
    "faster": "Faster",
    "quiet": "Quiet",
    "speed": "Speed {}%",
    "recording": "This conversation is being recorded",
    "unsure": "I did not catch that. Please say it again.",
    "refused": "The microphone is not allowed. Please allow it in the browser and press “Talk” again, or type.",
    "missing": "No microphone was found. Please connect one and press “Talk” again, or type.",
    "taken": "The microphone can't be used; another program may have it. Please close that and try again, or type.",
    "insecure": "At this address the browser doesn't allow a microphone. Staff should use an https address; please type.",
    "unable": "This browser can't do voice. Please type your question.",
    "none": "Voice is not set up here. Please type your question.",
    "mute": "I can hear you here but not speak. Please read the answers.",
    "unplugged": "The microphone was disconnected. Please connect it and press “Talk” again.",
}


def voice_words(language: Language) -> dict[str, str]:
    """The words of ``language`` by their names in ``ui/js/voice.js``."""
    return _ENGLISH if language is Language.ENGLISH else _CHINESE
