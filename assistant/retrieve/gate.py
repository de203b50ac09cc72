"""The evidence gate: answer, ask back, or say unknown, from calibrated scores and the kind of fact asked for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from assistant.contracts import STORY, Candidate, Decision, Evidence, FactKind, Language, Passage, Question

CALIBRATION = json.loads((Path(__file__).parent / "calibration.json").read_text(encoding="utf-8"))

# Cosine to a known phrasing from which a question means that very card.
NAMED = {Language.CHINESE: 0.93, Language.ENGLISH: 0.89}

_TELEPHONING = frozenset(
    "phone number telephone hotline call ring dial which what about should office bureau department please there "
    "have with your need want contact line does reach when".split()
)
_FOR_EVERYTHING = "hotlines#12345"
# The same when the question is which number to ring, so that some card must be meant.
WHICH = {Language.CHINESE: 0.86, Language.ENGLISH: 0.86}
_WHICH_NUMBER = re.compile(
    r"(打|拨)[^，。？?]{0,4}(几号|哪个|什么|多少|啥)|哪个(热线|号码?|电话)|什么(热线|号码?|电话)|几号$|号码给|有没有(热线|电话)|"
    r"(局|中心|公司|所|委|台)几号|which (number|hotline)|what number|who (do|should|can) i (call|ring)",
    re.IGNORECASE,
)

# Share of the confidence that an answer needs, from which two near articles are offered to choose from.
UNCLEAR = 0.5

# Facts that must stand in the evidence itself: a score alone can't tell a price from its absence.
_STRICT = {
    FactKind.PRICE: "no_price",
    FactKind.PHONE: "no_phone",
    FactKind.HOURS: "no_hours",
    FactKind.ADDRESS: "no_address",
    FactKind.PROCEDURE: "no_procedure",
    FactKind.ELIGIBILITY: "no_eligibility",
    FactKind.RECOMMENDATION: "no_recommendation",
}
_RESULTS = re.compile(
    r"(完成|建成|建了|做到|达到|落实|新增|发放?|加装|开了|推出|筹集?)了(多少|几|没|吗)|到现在(为止)?|到目前|目前(为止)?(已经|有|建|完成)|已经(建|完成|做|有)|现在(有|建|完成)(了)?(多少|几)|进展(如何|怎么样|到|了)|有(什么|啥)?进展|进度|完成得怎么样|做完了|实现了(吗|没)|"
    r"去年|前年|还有没有(空|名额|床|位|票|券|剩)|还剩|(名额|空床|床位|空位|券|票)还有|还有(空|名额|床位|位子)|(建|做|弄|办|修|封)(好|成|完|出来)了?(没有?|没|几)|(?<!要)(?<!能)(?<!将)(?<!会)(完成|实现|达到|做到|建好|落实)了(百分之几|几成|一半)|上个?五年|上一个五年|(建成?|开|做|装|新增|完成|弄)(好|到)?了?(几|多少)[^,，。]{0,6}了|so far|last year|already (?:built|been)|have been (?:built|completed)|progress",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"上个?月|这个月|本月|上周|上个?季度|last month|this month|今年|明年|目前|眼下|现在(一共|总共|共)?有|this year|currently|right now",
    re.IGNORECASE,
)
# How long something lasts, which the year of a deadline doesn't tell.
_LASTING = re.compile(r"(租|住|用|借|领|享受|存|停)(多久|几年|几个月|几天|多长时间)(?!就|了|以?后)|有效期|保修期")
_LENGTH = re.compile(r"(?<!\d)\d{1,3}(年|个月|天|日|小时)(?!\d)")
_DATE = re.compile(r"\d{4}年|五”?期间|\d{1,2}月\d{1,2}日|每(年|月|周|星期)")
_HOW_MANY = re.compile(
    r"(?:多少|几)(?:个|家|张|座|所|处|套|间|条|位|名|台|部|场|本|只|辆)([\u4e00-\u9fff]{1,6}?)"
    r"(?=[呀啊呢吧吗哦，,。？?才就算]|$)"
)
# What follows the measure word names no thing of its own: 几个样板, 多少家做榜样.
_NO_THING = re.compile(r"样|做|要|在|能|来|去|有|用场|地方|目标|示范|试点")
# A number of this unit must stand in the evidence: 20个公园 doesn't tell how many 公里, nor how many people live here.
_MEASURED = re.compile(
    r"(?:多少|几)(?P<unit>公里|千米|平方米|平米|米|吨|公斤|岁|小时|分钟|人(?![家们均]))|"
    r"(?:多少|几)(?:个|名|位)?(?:\d+岁(?:以上|以下)?的?)?(?:老人|老年人|人口|居民|孩子|儿童|残疾人|户籍人|常住人)(?:[呀啊呢？?，,。]|$)"
)
_SAME_UNIT = {"公里": "公里|千米", "千米": "公里|千米", "平方米": "平方米|平米", "平米": "平方米|平米", "人": "人|名"}
# In which part of the city something is, which is no address.
_WHICH_AREA = re.compile(r"(?<![近我来去])(?:在|是)哪(?:里|儿|块|个区|一带|个地方)?[呀啊呢]?[？?。]*$")
_OWN_ADDRESS = re.compile(r"附近|最近|我家|我们|地址|门牌|医院|门诊|窗口|怎么走")
_AREA = re.compile(
    r"(?:黄浦|徐汇|长宁|静安|普陀|虹口|杨浦|闵行|宝山|嘉定|浦东|金山|松江|青浦|奉贤|崇明)(?!路)|新城|外滩|陆家嘴|度假区"
)
_FREE = re.compile(r"免费|低收费|不要钱|要钱|收费(吗|不)|free", re.IGNORECASE)
_AMOUNT = re.compile(r"多少钱|几块|几元|几钿|how much", re.IGNORECASE)
_MONEY = re.compile(r"\d[\d,.]*(?:万|亿)?元|免费|低收费|收费标准")


class Gate:
    """Decides with the figures in ``calibration.json`` (made by ``make calibrate``)."""

    def __init__(self, calibration: dict[str, dict[str, float]] | None = None) -> None:
        self._weights = {"unclear": UNCLEAR, **(calibration or CALIBRATION)["gate"]}

    def decide(self, question: Question, evidence: Evidence) -> Decision:
        """The verdict on ``evidence`` for ``question``; candidates of a refusal are only what is near."""
        candidates = evidence.candidates
        if question.bare:
            return Decision(action="ask_back", confidence=0.0, reason="no_topic")
        if not candidates:
            return Decision(action="unknown", confidence=0.0, reason="nothing_found")
        first = candidates[0]
        confidence = self.confidence(evidence)
        margin = first.score - candidates[1].score if len(candidates) > 1 else 1.0
        # Near enough to be worth offering in a refusal.
        near = candidates[:1] if confidence > self._weights["near"] else ()
        referred_off_topic = evidence.referral is not None and evidence.referral.off_topic

        reason = self._scope(question, candidates) or self._kind(question, candidates)
        # A follow-up that stays with its article, and who is responsible for it, need less proof.
        stays = bool(question.focus) and first.passage.parent == (question.focus or "").rpartition(".")[0]
        enough = self._weights["near" if stays or FactKind.DEPARTMENT in question.kinds else "answer"]
        off_topic = not stays and referred_off_topic and evidence.referral_score >= first.phrasing
        known = first.phrasing >= evidence.referral_score  # nothing uncovered is nearer
        if not reason and known and enough * self._weights["unclear"] <= confidence < enough:
            apart = _one_of_each(candidates)
            if len(apart) == 2:
                return Decision(action="ask_back", confidence=confidence, reason="unclear", candidates=apart)
        if reason or confidence < enough:
            return Decision(
                action="unknown",
                confidence=confidence,
                reason="off_topic" if off_topic else reason or "not_covered",
                candidates=() if off_topic else near,
            )
        return Decision(action="answer", confidence=confidence, reason="covered", margin=margin, candidates=candidates)

    def confidence(self, evidence: Evidence) -> float:
        """Probability that the evidence answers, from a logistic model of its scores."""
        w = self._weights
        value = w["intercept"] + sum(w[name] * x for name, x in features(evidence).items())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))

    def _scope(self, question: Question, candidates: tuple[Candidate, ...]) -> str:
        """Another place, another year, results so far: not what the documents speak of."""
        text = candidates[0].passage.text
        if question.places and not any(place in text for place in question.places):
            return "other_place"
        covered = {year for c in candidates[:3] for year in years_held(c.passage)}
        if question.years and not set(question.years) & covered and FactKind.PHONE not in question.kinds:
            return "other_year"
        end = question.resolved[-STORY[question.language] :]
        now = _NOW.search(end) and FactKind.QUANTITY in question.kinds
        if now or _RESULTS.search(end):
            return "results"
        return ""

    def _kind(self, question: Question, candidates: tuple[Candidate, ...]) -> str:
        """The reason why the evidence lacks the kind of fact asked for, or ''."""
        # Some hotline is always near: it must be this one that is meant.
        first = candidates[0]
        is_card = first.passage.kind in ("card", "field") and not first.passage.sample
        asks_which = FactKind.PHONE in question.kinds and bool(_WHICH_NUMBER.search(question.text))
        if is_card and question.language is Language.ENGLISH and FactKind.PHONE in question.kinds:
            # English questions lie near every hotline: its words must name the matter too.
            asks_which = names_matter(question.text, first.passage)
            if not asks_which:
                return "no_phone"
        # The hotline for everything is near every question.
        wanted = WHICH if asks_which and not first.passage.id.startswith(_FOR_EVERYTHING) else NAMED
        if is_card and first.phrasing < wanted[question.language]:
            return "no_phone" if FactKind.PHONE in question.kinds else "not_covered"
        for kind, reason in _STRICT.items():
            if kind in question.kinds and not holds(kind, question, candidates[0]):
                return reason
        asks_number = FactKind.QUANTITY in question.kinds and FactKind.DEPARTMENT not in question.kinds
        held = any(counted(c) for c in candidates[:2]) and not uncounted(question.resolved, candidates[:2])
        if asks_number and not question.follow_up and not held:
            return "no_quantity"
        if FactKind.DATE in question.kinds and not any(dated(c) for c in candidates[:2]):
            return "no_date"
        if _LASTING.search(question.resolved) and not _LENGTH.search(first.passage.text):
            return "no_date"
        return ""


def _one_of_each(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The best candidates of the two articles that are nearest."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.passage.article is not None:
            found.setdefault(candidate.passage.parent or candidate.passage.id, candidate)
    return tuple(found.values())[:2]


def features(evidence: Evidence) -> dict[str, float]:
    """Scores that the gate's model weighs."""
    if not evidence.candidates:
        return dict.fromkeys(("dense", "article_dense", "phrasing", "referral", "coverage", "lead"), 0.0)
    first = evidence.candidates[0]
    phrasing = max(c.phrasing for c in evidence.candidates[:3])
    return {
        "dense": max(c.dense for c in evidence.candidates[:3]),
        "article_dense": first.article_dense,
        "phrasing": phrasing,
        "referral": evidence.referral_score,
        "coverage": first.coverage,
        "lead": max(-0.05, min(0.05, phrasing - evidence.referral_score)),
    }


def holds(kind: FactKind, question: Question, candidate: Candidate) -> bool:
    """Whether the evidence has a fact of this kind."""
    passage = candidate.passage
    if kind is FactKind.PRICE:
        if _FREE.search(question.resolved) and not _AMOUNT.search(question.resolved):
            return bool(_MONEY.search(passage.text))
        return FactKind.PRICE in passage.fact_kinds
    if kind is FactKind.ADDRESS and _WHICH_AREA.search(question.resolved):
        area = not _OWN_ADDRESS.search(question.resolved) and bool(_AREA.search(passage.text))
        return area or kind in passage.fact_kinds
    return kind in passage.fact_kinds


def counted(candidate: Candidate) -> bool:
    """Whether a number that counts something stands in the evidence; the year of a deadline doesn't."""
    passage = candidate.passage
    return bool(passage.targets) or bool(re.search(r"\d", re.sub(r"\d{4}年底?", "", passage.text)))


def names_matter(text: str, passage: Passage) -> bool:
    """Whether an English question shares a word with what a card is for, beyond words of telephoning."""
    held = " ".join((passage.english or "", passage.title, *passage.phrasings)).lower()
    words = {word for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in _TELEPHONING}
    return any(word[:6] in held for word in words)


def uncounted(text: str, candidates: Sequence[Candidate]) -> bool:
    """Whether ``text`` asks for a number of a unit, or of a thing (几个灭火器), that no candidate names at all."""
    measured = _MEASURED.search(text)
    if measured and "还是" not in text[measured.end() :]:  # 看多少人，还是看多远 asks which, not how many
        unit = measured["unit"] or "人"
        number = re.compile(rf"\d[\d.,]*(?:千|万|亿)?(?:多|余)?(?:{_SAME_UNIT.get(unit, unit)})")
        return not any(number.search(c.passage.text) for c in candidates)
    found = _HOW_MANY.search(text)
    if not found or len(found[1]) < 2 or _NO_THING.search(found[1]):
        return False
    thing = found[1]
    counting = [q for c in candidates for q in c.passage.phrasings if re.search("多少|几", q)]
    named = "".join(c.passage.text + " ".join(c.passage.path[-1:]) for c in candidates) + "".join(counting)
    return not any(thing[i : i + 2] in named for i in range(len(thing) - 1))


def dated(candidate: Candidate) -> bool:
    """Whether a date stands in the evidence at or before what answers; one after it is of something else."""
    text, span = candidate.passage.text, candidate.span
    end = text.find(span) + len(span) if span and span in text else len(text)
    return bool(_DATE.search(text[:end]))


def years_held(passage: Passage) -> set[int]:
    """Years that a passage speaks of; its targets' deadlines included."""
    years = {int(y) for y in re.findall(r"(?:19|20)\d\d", passage.text)}
    years |= {t.deadline_year for t in passage.targets if t.deadline_year}
    if "十四五" in passage.text:
        years |= {2021, 2022, 2023, 2024, 2025}
    return years
