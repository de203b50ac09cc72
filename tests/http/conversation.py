"""A scripted Conversation for tests of faces: a small document, cards, and every kind of ending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from assistant.contracts import Answer, Citation, Contacts, Document, Exchange, Language, Passage, TurnEvent
from assistant.errors import AnswerError

TITLE = "社区服务行动方案(测试)"
POISON = '<script>document.title="owned"</script><b onclick="x()">粗</b> `${alert(1)}`'
COVERAGE = "到2025年底,步行15分钟可达的公共服务设施覆盖率达到85%以上。"


def passage(**fields: object) -> Passage:
    defaults = {"kind": "sentence", "doc": "plan", "title": TITLE}
    return Passage.model_validate({**defaults, **fields})


PASSAGES = (
    passage(
        id="plan#chapter-1",
        kind="about",
        field="chapter",
        path=(TITLE, "一、提升社区服务"),
        text="一、提升社区服务",
    ),
    passage(id="plan#about-1", kind="about", field="notice", path=(TITLE,), text="各区人民政府:现转发给你们。"),
    passage(
        id="plan#14",
        kind="article",
        article=14,
        path=(TITLE, "一、提升社区服务", "(十四)加快建设一刻钟生活圈"),
        text="推进生活圈建设。" + COVERAGE + POISON,
    ),
    passage(id="plan#14.1", article=14, order=0, parent="plan#14", text="推进生活圈建设。" * 12),
    passage(
        id="plan#14.2",
        article=14,
        order=1,
        parent="plan#14",
        text=COVERAGE,
        path=(TITLE, "一、提升社区服务", "(十四)加快建设一刻钟生活圈"),
        english="By the end of 2025, over 85% of facilities will be within a 15-minute walk.",
    ),
    passage(id="plan#14.department", kind="field", article=14, order=3, parent="plan#14", text="(责任部门:测试局)"),
    passage(id="plan#14.3", article=14, order=2, parent="plan#14", text=POISON),
    passage(
        id="plan#15",
        kind="article",
        article=15,
        path=(TITLE, "一、提升社区服务", "(十五)发展托育"),
        text="发展托育服务。",
    ),
    passage(
        id="cards#canteen",
        kind="card",
        doc="cards",
        title="梧桐里社区食堂",
        path=("社区服务卡片", "梧桐里社区食堂"),
        text="社区食堂。",
        sample=True,
    ),
    passage(
        id="cards#canteen.hours",
        kind="field",
        doc="cards",
        title="梧桐里社区食堂",
        path=("社区服务卡片", "梧桐里社区食堂"),
        field="hours",
        parent="cards#canteen",
        text="开放时间:每天 10:30 至 13:00。",
        sample=True,
    ),
)


def cite(passage_id: str) -> Citation:
    found = next(one for one in PASSAGES if one.id == passage_id)
    return Citation(
        doc=found.title,
        article=found.article,
        quote=found.text,
        passage_id=found.id,
        title=found.title,
        path=found.path,
        sample=found.sample,
    )


class ScriptedConversation:
    """Answers by what the question contains; remembers questions by session, as memory would."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause  # seconds between text pieces
        self.memory: dict[str, list[str]] = {}
        self.cancelled: set[str] = set()
        self.erased: list[str] = []
        self.forgetting: list[Callable[[str], None]] = []
        self.ratings: list[tuple[str, int, bool]] = []
        self.languages: list[Language | None] = []
        self.answers: dict[str, tuple[int, Answer]] = {}
        self.half_heard: list[tuple[str, int, str]] = []
        self.turns = 0

    async def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        self.turns += 1
        turn_id = self.turns
        self.languages.append(language)
        self.cancelled.discard(session)
        yield TurnEvent(turn_id=turn_id, type="started")
        if not text.strip():
            yield TurnEvent(turn_id=turn_id, type="error", text="请先输入您的问题。")
            return
        if "坏了" in text:
            raise AnswerError("model at /secret/path is broken")
        if "崩溃" in text:
            raise ZeroDivisionError("secret detail")
        asked = self.memory.setdefault(session, [])
        answer = self._answer(text, tuple(asked), language or Language.CHINESE)
        asked.append(text)
        slow = 40 if "慢" in text else 1
        for piece in [answer.text[at : at + 6] for at in range(0, len(answer.text), 6)] * slow:
            await asyncio.sleep(self.pause)
            if session in self.cancelled:
                yield TurnEvent(turn_id=turn_id, type="cancelled")
                return
            yield TurnEvent(turn_id=turn_id, type="text", text=piece)
        self.answers[session] = (turn_id, answer)
        yield TurnEvent(turn_id=turn_id, type="answer", answer=answer)

    def _answer(self, text: str, before: tuple[str, ...], language: Language) -> Answer:
        timings = {"total": 12.5}
        if "之前" in text:
            return Answer(text="您问过:" + "、".join(before), engine="talk", timings=timings)
        if "着火" in text:
            return Answer(
                text="请马上离开,并拨打 119。" if language is Language.CHINESE else "Leave now and call 119.",
                emergency=True,
                engine="guard",
                hotline="119",
                language=language,
                timings=timings,
            )
        if "天气" in text:
            return Answer(
                text="抱歉,我手上的文件里没有这方面的内容。",
                refused=True,
                engine="refusal",
                hotline="12345",
                suggestions=("一刻钟生活圈是什么?",),
                timings=timings,
            )
        if "食堂" in text:
            return Answer(text="每天 10:30 至 13:00 开放。", citations=(cite("cards#canteen.hours"),), timings=timings)
        if "<" in text:
            return Answer(text=f"您说的是 {text}", citations=(cite("plan#14.3"),), timings=timings)
        if language is Language.ENGLISH:
            return Answer(
                text="Over 85% of facilities will be within a 15-minute walk by the end of 2025.",
                citations=(cite("plan#14.2"),),
                language=language,
                suggestions=("What about childcare?",),
                timings=timings,
            )
        return Answer(
            text="到2025年底,步行15分钟可达的公共服务设施覆盖率要达到85%以上。",
            citations=(cite("plan#14.2"),),
            suggestions=("托育服务怎么发展?", "哪些部门负责?"),
            timings=timings,
        )

    def cancel(self, session: str) -> None:
        self.cancelled.add(session)

    def epoch(self, session: str) -> int:
        self.turns += 1
        return self.turns

    def heard(self, session: str, turn_id: int, text: str) -> None:
        self.half_heard.append((session, turn_id, text))

    def answered(self, session: str, turn_id: int) -> Answer | None:
        of, answer = self.answers.get(session, (0, None))
        return answer if of == turn_id else None

    def erase(self, session: str) -> None:
        self.cancelled.add(session)
        self.memory.pop(session, None)
        self.answers.pop(session, None)
        self.erased.append(session)
        for forget in self.forgetting:
            forget(session)

    def on_erase(self, forget: Callable[[str], None]) -> None:
        self.forgetting.append(forget)

    def tell(self, session: str, answer: Answer) -> int:
        self.turns += 1
        self.answers[session] = (self.turns, answer)
        return self.turns

    def exchanges(self, session: str) -> tuple[Exchange, ...]:
        return tuple(Exchange(question=text, resolved=text, answer="答") for text in self.memory.get(session, ()))

    async def contacts(self, session: str) -> Contacts:
        return Contacts()

    def suggestions(self, language: Language) -> tuple[str, ...]:
        if language is Language.ENGLISH:
            return ("What is the 15-minute circle?", "How will childcare grow?")
        return ("一刻钟生活圈是什么?", "社区食堂几点开?", "托育服务怎么发展?")

    def passage(self, passage_id: str) -> Passage | None:
        return next((one for one in PASSAGES if one.id == passage_id), None)

    def documents(self) -> tuple[Document, ...]:
        return (
            Document(id="plan", title=TITLE, issuer="测试机关", articles=2),
            Document(id="cards", title="社区服务卡片", kind="cards", sample=True),
        )

    def passages(self, doc: str) -> tuple[Passage, ...]:
        return tuple(one for one in PASSAGES if one.doc == doc)

    def rate(self, session: str, turn_id: int, good: bool) -> None:
        self.ratings.append((session, turn_id, good))
