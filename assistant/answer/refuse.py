"""Short honest refusals: what is not known, the nearest thing that is, and whom to call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.answer.compose import cite
from assistant.answer.holdings import Holdings, held
from assistant.answer.wording import short_name
from assistant.contracts import Answer, Citation, Corpus, Decision, Language, Passage, Question
from assistant.numerals import numeral

_CHINESE = {
    "off_topic": "这个我不懂，我只知道社区服务和行动方案里的事。",
    "no_price": "要多少钱，我手上的资料里没有写，不敢乱说。",
    "no_phone": "您要的电话，我手上的资料里没有。",
    "no_address": "具体地点，我手上的资料里没有写。",
    "no_hours": "具体的时间安排，我手上的资料里没有写。",
    "no_date": "具体时间，我手上的资料里没有写。",
    "no_procedure": "怎么办理、要带什么，我手上的资料里没有写。",
    "no_eligibility": "需要什么条件，我手上的资料里没有写。",
    "no_recommendation": "哪一家好，我没有资料可以比较，不能随便推荐。",
    "no_quantity": "您问的数字，我手上的资料里没有写。",
    "no_department": "这件事归哪个部门管，我手上的资料里没有写。",
    "other_place": "我手上只有上海的资料，别的地方的情况我不知道。",
    "other_year": "您问的那一年，我手上的资料里没有写。",
    "results": "现在做到了多少，我手上的资料里没有写，我只知道方案定的目标。",
    "orders": "这个我不能照做，我只回答社区服务和行动方案的问题。",
    "abuse": "让您不满意了，对不起。您有什么事，我尽力帮您查。",
    "no_topic": "我还不知道您问的是哪件事，请说得具体一点。",
}
_ENGLISH = {
    "off_topic": "I can't help with that; I only know community services and the city's action plan.",
    "no_price": "My documents don't give a price for that, so I won't guess.",
    "no_phone": "My documents don't have that phone number.",
    "no_address": "My documents don't give a place for that.",
    "no_hours": "My documents don't give hours for that.",
    "no_date": "My documents don't give a time for that.",
    "no_procedure": "My documents don't say how to apply or what to bring.",
    "no_eligibility": "My documents don't give the conditions for that.",
    "no_recommendation": "I have nothing to compare them by, so I can't recommend one.",
    "no_quantity": "My documents don't give that figure.",
    "no_department": "My documents don't say who is responsible for that.",
    "other_place": "My documents are about Shanghai only; I don't know about other places.",
    "other_year": "My documents say nothing about that year.",
    "results": "My documents don't say how much has been done so far; they only give targets.",
    "orders": "I can't do that. I only answer questions about community services and the action plan.",
    "abuse": "I'm sorry that you are not satisfied. Tell me what you need, and I will look it up.",
    "no_topic": "I don't know yet what that is about. Please say it a little more precisely.",
}
_UNKNOWN = {
    Language.CHINESE: "这个我不知道，我手上的资料里没有写。",
    Language.ENGLISH: "I don't know; my documents don't say.",
}


_CHOOSE = {
    Language.CHINESE: "我没有把握听懂了。您想问的是“{}”，还是“{}”？",
    Language.ENGLISH: "I am not sure that I understood. Do you mean “{}”, or “{}”?",
}


class Refusals:
    """Refuses with the hotline cards of one release at hand."""

    def __init__(self, source: Holdings | Corpus | Iterable[Passage]) -> None:
        self._phones: dict[str, Passage] = {}
        for passage in held(source).phones():
            if not passage.sample:
                for number in _numbers(passage):
                    self._phones.setdefault(number, passage)

    def hotline(self, number: str) -> Citation | None:
        """The card that a hotline's number stands on."""
        passage = self._phones.get(number)
        return cite(passage) if passage else None

    def refuse(
        self, question: Question, decision: Decision, hotline: str = "12345", options: Sequence[str] = ()
    ) -> Answer:
        """An honest 'I don't know' for ``decision.reason``, offering what is near.

        Two ``options`` are questions to choose from; then this asks back.
        """
        english = question.language is Language.ENGLISH
        text = (_ENGLISH if english else _CHINESE).get(decision.reason, _UNKNOWN[question.language])
        citations: list[Citation] = []
        if len(options) == 2:
            text = _CHOOSE[question.language].format(*(option.rstrip("？?") for option in options))
            citations = [cite(candidate.passage) for candidate in decision.candidates]
        nearest = decision.candidates[0].passage if decision.candidates else None
        if nearest is not None and nearest.article is not None and not citations:
            heading = nearest.path[-1] if nearest.path else ""
            bare = heading.split(")")[-1].split("）")[-1]
            if english:
                text += f" The nearest I know is article {nearest.article} of the action plan."
            else:
                text += f"相近的内容在{short_name(nearest.title)}第{numeral(nearest.article)}条“{bare}”。"
            citations.append(cite(nearest))
        number = hotline if hotline in self._phones else "12345"
        card = self.hotline(number)
        offered = None
        if card is not None and decision.reason not in ("no_topic", "orders", "off_topic"):
            offered = number
            citations.append(card)
            neither = (
                ("If neither, you" if english else "都不是的话，") if len(options) == 2 else "You" if english else ""
            )
            text += f" {neither} can ring {number} to ask." if english else f"{neither}您可以拨打{number}问一问。"
        return Answer(
            text=text,
            citations=tuple(citations),
            refused=True,
            language=question.language,
            engine="refusal",
            reason=decision.reason,
            hotline=offered,
            suggestions=tuple(options),
        )


def _numbers(passage: Passage) -> list[str]:
    return re.findall(r"\d{3,}", passage.text)
