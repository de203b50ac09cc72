"""Every word that the resident's page shows, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.contracts import Language


@dataclass(frozen=True)
class Words:
    """One language's words; ``{}`` stands for a number to call or a name."""

    name: str
    role: str
    greeting: str
    purpose: str
    try_asking: str
    ask_next: str
    placeholder: str
    send: str
    stop: str
    clear: str
    cleared: str
    empty: str
    thinking: str
    stopped: str
    sources: str
    open_source: str
    close: str
    whole_document: str
    article_missing: str
    emergency: str
    call: str
    call_for_help: str
    refusal: str
    sample_note: str
    rate: str
    good: str
    bad: str
    thanks: str
    busy: str
    overloaded: str
    unexpected: str
    notice: str
    you_asked: str
    languages: str
    facts: str
    deadline: str
    department: str
    where: str
    hours: str
    phone: str
    fee: str
    who: str
    bring: str
    steps: str


CHINESE = Words(
    name="小沪",
    role="社区服务助手",
    greeting="您好，我是小沪。",
    purpose="社区里养老、托育、买菜、就医这些事，您尽管问。我只按公开的文件回答，每句话都能查到原文。",
    try_asking="您可以这样问",
    ask_next="您还可以问",
    placeholder="请输入您的问题",
    send="发送",
    stop="停止",
    clear="清空对话",
    cleared="对话已经清空，什么都没有留下。",
    empty="请先写下您的问题，再按“发送”。",
    thinking="正在查找文件",
    stopped="已经停下来了。您可以再问一次。",
    sources="依据",
    open_source="查看原文",
    close="关闭",
    whole_document="打开整份文件",
    article_missing="抱歉，原文没有打开。请关闭后再试一次。",
    emergency="紧急情况",
    call="拨打 {}",
    call_for_help="想问工作人员，请拨打",
    refusal="这个问题，文件里没有",
    sample_note="这条内容是演示用的示例，不是真实信息。",
    rate="这个回答对您有帮助吗？",
    good="有帮助",
    bad="没帮助",
    thanks="谢谢您告诉我们。",
    busy="您问得有点快，请过一分钟再试。",
    overloaded="现在问的人太多了，请过一会儿再问。急事请拨打12345。",
    unexpected="抱歉，刚才出了点问题。请您再问一次。",
    notice="回答仅供参考，办事请以原文为准。请不要输入身份证号等个人信息。",
    you_asked="您问",
    languages="语言",
    facts="要点",
    deadline="什么时候完成",
    department="谁负责",
    where="地址",
    hours="时间",
    phone="电话",
    fee="收费",
    who="谁可以用",
    bring="要带什么",
    steps="怎么办",
)

ENGLISH = Words(
    name="Xiaohu",
    role="Community services assistant",
    greeting="Hello, I'm Xiaohu.",
    purpose="Ask me about care for the elderly, childcare, markets or clinics in your neighbourhood. "
    "I answer only from published documents, and you can check every sentence.",
    try_asking="You could ask",
    ask_next="You could also ask",
    placeholder="Type your question",
    send="Send",
    stop="Stop",
    clear="Clear chat",
    cleared="The conversation has been cleared. Nothing was kept.",
    empty="Please write your question first, then press “Send”.",
    thinking="Looking through the documents",
    stopped="Stopped. You can ask again.",
    sources="Sources",
    open_source="Read the original",
    close="Close",
    whole_document="Open the whole document",
    article_missing="Sorry, the original could not be opened. Please close this and try again.",
    emergency="Emergency",
    call="Call {}",
    call_for_help="To ask a person, please call",
    refusal="The documents don't cover this",
    sample_note="This is sample content for demonstration, not real information.",
    rate="Was this answer helpful?",
    good="Helpful",
    bad="Not helpful",
    thanks="Thank you for telling us.",
    busy="That was a little fast. Please try again in a minute.",
    overloaded="Too many people are asking just now. Please try again soon, or ring 12345 if it is urgent.",
    unexpected="Sorry, something went wrong. Please ask again.",
    notice="For reference only; the original text decides. Please don't enter ID numbers or personal data.",
    you_asked="You asked",
    languages="Language",
    facts="Main facts",
    deadline="to be reached by then",
    department="is responsible",
    where="Address",
    hours="Hours",
    phone="Phone",
    fee="Fee",
    who="For whom",
    bring="What to bring",
    steps="How it works",
)


def words(language: Language) -> Words:
    """The words of ``language``."""
    return ENGLISH if language is Language.ENGLISH else CHINESE
