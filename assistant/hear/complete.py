"""Whether the words so far can be a whole question or request, or must go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import yaml


class Completeness(StrEnum):
    """What the words say about the end of the turn."""

    FINISHED = "finished"  # a question or a request that lacks nothing
    UNFINISHED = "unfinished"  # no sentence ends like this
    LIKELY = "likely"  # a question by its words, though something in it is odd: misheard, or not all of it
    UNDECIDED = "undecided"  # a statement or a name: a question may follow


_FINISHED, _UNFINISHED, _UNDECIDED = Completeness.FINISHED, Completeness.UNFINISHED, Completeness.UNDECIDED

_BARE = re.compile(r"[^\w]+")
_HAN = re.compile(r"[㐀-鿿]")
_PARTICLE = re.compile(r"(?<=.)[啊呀哦噢喔哇啦呐嘞]+$")
_CLAUSE = re.compile(r"[，,。.！!；;、：:\s]+")
_WHETHER_WORDS = (
    "能不能|能否|可不可以|可以不可以|会不会|要不要|需不需要|需要不需要|是不是|是否|有没有|愿不愿意|该不该|用不用|想不想"
)
_ASKS_LAST = re.compile(r"(?:吗|吧|伐|怎么办|(?:多少|几)[个张家条套处座所岁点号钱]?|什么|哪里|在哪|谁|没有|行不行)$")
# The beginning of a question as often as its end.
_OPEN_TAG = re.compile(
    rf"(?:{_WHETHER_WORDS}|什么|哪个|哪些|怎么|多少|几[个张家条套处座所]|谁|哪里|哪儿|什么时候)[㐀-鿿]?$"
)
# What a recogniser writes for a final 吗 that it did not understand.
_HEARD_AS_MA = re.compile(r"(?:[卖麦嘛骂码]|(?<![什这那怎多要])么|(?<![想要去来能会以不哪里儿么得谁先再爱])买)$")
_ENDS_IN_MA = re.compile(
    r"(?:外|买|拍|专|义|变|小|燕|大|荞|叫|热)[卖麦]$|(?:挨|打|责|咒)骂$|(?:维|证|号|密|条|编|扫|数|代)码$"
)
# Likewise for 个 behind 几 and 多少, and for 哪个 and 那个, which sound alike.
_HEARD_AS_GE = re.compile(r"(?<=几|少)[更根跟](?=$|[，,。.？?！!])")
_WHICH_OR_THAT = re.compile(r"哪[个一]")
_HAS_PLANS = re.compile(r"(?:什么|啥|哪些)(?:新的?)?打算$")
# A place with nothing to happen there: 这附近哪里 … 有公园.
_PLACE_LAST = re.compile(r"(?<![在去到是往从捐找问归放装])(?:哪里|哪儿|什么地方)$")
_GOES_ON = re.compile(r"[，,、：:…—-]\s*$|\.{3}$")

# Words that take a person or a place and then want a verb, with nothing but that behind them.
_COVERB = re.compile(
    r"(?:(?<![发交打寄送转还拿付带念讲说读留借捐话])给|把|跟|(?<![面反针相不])对(?!不)|替|(?<!方)向|被|(?<!服)从"
    r"|(?<!自)由|离(?!婚|开)|按(?!时|摩)|除了)(?P<object>.{1,3})$"
    r"|(?:帮(?!忙|助)|让(?![用开进走去做停放卖办养带上下过吃抽跳建装拆租]))(?P<person>.{1,2})$"
)
_GIVE_ME = re.compile(r".{4,}给(?:我|我们|他|她|你)$")
_MODAL = r"(?:能|可以|要|会|需要|应该|得|想|不|没|是|有|来|才)"
_VERB = re.compile(
    r"[来上坐走等跑要带需是有在去找做办交到能可收给用叫讲说教问出住领装报查打拿申享修管属排占补选招付看含免算提贴]"
)
# What 怎么 asks for when nothing stands before it, besides the verbs above.
_DOING = re.compile(rf"{_VERB.pattern}|[约登咨参加缴交挂评投诉举联反映存取换补退改选学做开通治洗修通知分扔捐停]")
_WHICH = re.compile(
    r"什么(?!时候|地方)|啥|哪些|哪个|哪一[个家条年天]|哪家|哪种|哪[年天条级]|第几|(?<![十好那这前后没])几[个次位张条级年天岁号家项路楼遍分万块户栋层元]"
)
_AMOUNT = re.compile(r"多少|多久|多大|多远|多高|多长时间|多长|几点|几号|几月份?|几岁|几折")
_PLACE = re.compile(r"什么时候|什么地方|哪里|哪儿|哪(?![些个一家种年天条级])|啥地方|啥时候")
_SOMETHING = re.compile(
    r"(?:什么|那个|这个|一个|那种|这种|哪些|一些|那根|那跟|那哥|专门|统一|特别|重新|继续|一起|直接|马上|单独|自己|提前|优先)?$"
)
_HERE = re.compile(r"(?:请问|你们|我们|咱们|那么?|这|里|边|儿|附近|小区|社区|街道|居委会?)*$")
_HOW = re.compile(r"怎么样?|怎样|如何|咋")
_WHY = re.compile(r"为什么|为啥|干嘛|凭什么")
_WHO = re.compile(r"谁|哪位")
_WHETHER = re.compile(_WHETHER_WORDS)
_CHOICE = re.compile(r"(?P<verb>(?![能要会想该用是愿])[㐀-鿿])不(?P=verb)")
_BETWEEN = re.compile(r"还是.{2,}$|有什么(?:区别|不同|两样)$")
_REQUEST = re.compile(
    r"^(?:请|麻烦)?(?:你|您)?(?:请|再|能)?(?:(?:帮|给|替)我)"
    r"(?:再|先)?(?:查|找|打|转|联系|推荐|念|讲|介绍|叫|算|约|登记|报|放|解释|说)(?:一下|一遍|一个|一家|一位|下|讲|说|查|找)?(?P<object>.*)$"
    r"|^(?:请|麻烦)?(?:你|您)?(?:告诉我|说说|讲讲|说一下|讲一下|介绍一下|介绍介绍|解释一下|念一下|打电话给|打给)(?P<topic>.*)$"
    r"|^我要(?:投诉|报修|举报|求助|找)(?P<matter>.*)$"
)
_REACH = 20  # characters from the end in which the question word must stand
_ASKED_ENDINGS = frozenset("不 没 没有 有没有 哪个 哪一个 哪些 哪种 几 可不可以 能不能 是不是 要不要 会不会".split())
_MATTER_ENOUGH = {"object": 2, "topic": 2, "matter": 0}


@dataclass(frozen=True)
class _Words:
    openers: tuple[str, ...]
    endings: dict[str, str]
    alone: frozenset[str]
    english: dict[str, frozenset[str]]
    longest: int


@lru_cache(maxsize=1)
def _words() -> _Words:
    data = yaml.safe_load((Path(__file__).parent / "complete.yaml").read_text(encoding="utf-8"))
    endings = {word: kind for kind in ("open", "neutral", "closed") for word in data[kind]}
    return _Words(
        openers=tuple(sorted(data["openers"], key=len, reverse=True)),
        endings=endings,
        alone=frozenset(data["alone"]),
        english={kind: frozenset(words) for kind, words in data["english"].items()},
        longest=max(map(len, endings)),
    )


def completeness(text: str) -> Completeness:
    """Judge ``text`` as a recogniser gives it: Chinese or English, with or without punctuation."""
    if not _HAN.search(text):
        return _english(text)
    text = _HEARD_AS_GE.sub("个", text)
    whole = _BARE.sub("", text)
    if whole in _words().alone:
        return _FINISHED
    bare = _PARTICLE.sub("", whole)
    verdict = _chinese(bare, text)
    if verdict is _UNDECIDED and len(bare) > 4 and _HEARD_AS_MA.search(bare) and not _ENDS_IN_MA.search(bare):
        return Completeness.LIKELY
    asks = _asks(bare) and (bool(_VERB.search(bare)) or _asks(_WHICH_OR_THAT.sub("", bare)))
    if verdict is _UNDECIDED and asks and len(bare) > 5 and not _OPEN_TAG.search(bare):
        return Completeness.LIKELY
    # A recogniser writes a comma after many a whole question; only after other endings does it tell.
    if verdict is _FINISHED and _GOES_ON.search(text) and not _ASKS_LAST.search(bare):
        return _UNDECIDED
    return verdict


def asks_something(text: str) -> bool:
    """Whether a question word stands anywhere in ``text``."""
    return _asks(_BARE.sub("", text)) or text.rstrip().endswith(("?", "？"))


def _chinese(bare: str, text: str) -> Completeness:
    matter = _without_openers(bare)
    if not matter:
        return _UNDECIDED if _greeting(bare) else _UNFINISHED
    if matter in _words().alone and not _asks(matter):
        return _FINISHED
    asked = bool(re.search(r"[?？]\s*$", text))
    ending, kind = _ending(matter)
    if kind == "closed":
        # A question word alone (多少钱) may be the beginning of its question.
        return _FINISHED if len(matter) > len(ending) or not _asks(ending) or ending[-1] in "吗办" else _UNDECIDED
    if matter.endswith("呢"):
        return _FINISHED if _asks(matter) and len(matter) > 3 else _UNDECIDED
    if _HAS_PLANS.search(matter):
        return _FINISHED
    if kind == "open":
        # A recogniser writes the question mark by the tone, which tells 收费不？ from 不 that goes on.
        if ending in {"哪个", "哪一个", "哪些", "哪种"} and not _VERB.search(matter[-len(ending) - 1 : -len(ending)]):
            return _UNDECIDED
        here = _HERE.match(matter[: -len(ending)])  # 你们这里有没有? has not yet said what
        meant = asked and ending in _ASKED_ENDINGS and len(matter) > 4
        return _FINISHED if meant and not here else _tag(matter, ending)
    coverb = _COVERB.search(matter)
    if coverb and not _asks_within(coverb["object"] or coverb["person"]):
        return _UNDECIDED if _GIVE_ME.match(matter) else _UNFINISHED
    last = len(_BARE.sub("", _last_clause(text)))
    since = max(0, len(matter) - (last if last >= 4 else len(matter)), len(matter) - _REACH)
    by_tone = asked and _asks(matter[since:]) and len(matter) > 4
    by_tone = (
        by_tone
        and not matter.endswith(("在什么", "到什么", "从什么"))
        and not _PLACE_LAST.search(matter)
        and not re.fullmatch(r"为(?:什么|啥).{1,3}", matter)
    )
    if _question(matter, since) or by_tone:
        return _FINISHED
    request = _REQUEST.match(matter)
    if request:
        name = request.lastgroup or "matter"
        return _FINISHED if len(request[name]) >= _MATTER_ENOUGH[name] else _UNDECIDED
    return _UNDECIDED


def _greeting(text: str) -> bool:
    """Whether ``text`` is a greeting, after which some wait to be greeted."""
    return bool(re.fullmatch(r"(?:喂|小沪|你好|您好|侬好)+", text))


def _without_openers(text: str) -> str:
    """The text behind every opener; a text that ends in an opener keeps nothing."""
    while True:
        for opener in _words().openers:
            if text.startswith(opener):
                text = text[len(opener) :]
                break
        else:
            return text


def _ending(text: str) -> tuple[str, str]:
    """The longest known ending and its kind; both empty when none is known."""
    words = _words()
    for length in range(min(words.longest, len(text)), 0, -1):
        kind = words.endings.get(text[-length:])
        if kind:
            return text[-length:], kind
    return "", ""


def _tag(matter: str, ending: str) -> Completeness:
    """An open ending: a tag question at the end of a long sentence may be meant as one."""
    before = len(matter) - len(ending)
    if ending in {"可不可以", "是不是", "能不能", "要不要", "有没有", "需不需要"} and before >= 4:
        return _UNDECIDED
    if ending == "的" and re.search(r"是(?:哪|谁|什么|怎么|几).{0,4}的$", matter):
        return _FINISHED
    return _UNFINISHED


def _last_clause(text: str) -> str:
    clauses = [clause for clause in _CLAUSE.split(text.rstrip("，,。.！!？?；;、 ")) if clause]
    return clauses[-1] if clauses else ""


def _asks(text: str) -> bool:
    return any(
        pattern.search(text) for pattern in (_WHICH, _AMOUNT, _PLACE, _HOW, _WHY, _WHO, _WHETHER, _CHOICE)
    ) or text.endswith("吗")


def _asks_within(text: str) -> bool:
    return bool(_WHO.search(text) or _WHICH.search(text) or _PLACE.search(text))


def _question(matter: str, since: int) -> bool:
    """Whether ``matter`` holds, from ``since`` on, a question word and all that it needs around it."""
    if _BETWEEN.search(matter) and len(matter) > 6:
        return True
    for pattern, judge in _QUESTIONS:
        found = None
        for match in pattern.finditer(matter):
            found = match if match.start() >= since else None
        if found and judge(matter[: found.start()], matter[found.end() :]):
            return True
    return False


def _which(before: str, after: str) -> bool:
    """什么材料, 哪些人: a verb on one side, and not the beginning of a longer name."""
    if after.startswith(("是", "叫")) and not before:
        return len(after) >= 3
    if "的" in after and not _VERB.search(before):
        return False
    if _VERB.search(before):
        return bool(after) or before.endswith(("是", "叫", "做", "干", "讲", "说"))
    if re.search(r"最|比较|更", after) or (len(before) >= 3 and len(after) >= 3):
        return True
    if re.search(r"开始|结束|截止|为止", after):
        return True
    return len(after) >= 3 and bool(re.search(_MODAL + r".", after[1:]))


def _amount(before: str, after: str) -> bool:
    if re.fullmatch(r"[个条张家位处平户所座]", after):
        # What is counted was named before; else it still comes: 你们有多少张 … 床位.
        return len(before) >= 4 and bool(re.search(r"(?:有|要|是|共|到|建|设|装|配|增|造|开|办|发|做)$", before))
    if re.search(r"以上|以下|的", after):
        return len(after) >= 6 or (len(after) >= 3 and bool(_VERB.search(before)))
    return bool(before)


def _place(before: str, after: str) -> bool:
    if not after:
        return len(before) >= 3 and before[-1] in "在去到是往从捐"
    if before.rstrip("在去到从"):
        return True
    return len(after) >= 3 and bool(re.match(_MODAL + r"..", after))


def _how(before: str, after: str) -> bool:
    if not after:
        return False
    if re.match(r"还?[没不].", after):
        return True
    if re.match(r"(?:给|把|跟|让|帮|对|为|向|在|从|被|替|才|能|可以|会|还|就|没|不|样)", after):
        return len(after) >= 4
    return len(before) >= 2 or (len(after) >= 3 and bool(_DOING.search(after)))


def _why(before: str, after: str) -> bool:
    return bool(re.search(_MODAL + r".{1,}", after)) and len(before) + len(after) >= 3


def _who(before: str, after: str) -> bool:
    if not after:
        return (len(before) >= 1 and before[-1] in "是找问归叫跟" and len(before) >= 2) or before in {
            "是",
            "找",
            "你是",
        }
    if re.fullmatch(_MODAL, after):
        return False
    return len(before) >= 2 or len(after) >= 3


def _whether(before: str, after: str) -> bool:
    return len(after) >= 2 and not _SOMETHING.match(after)


def _choice(before: str, after: str) -> bool:
    return True


_QUESTIONS = (
    (_WHICH, _which),
    (_AMOUNT, _amount),
    (_PLACE, _place),
    (_HOW, _how),
    (_WHY, _why),
    (_WHO, _who),
    (_WHETHER, _whether),
    (_CHOICE, _choice),
)


def _english(text: str) -> Completeness:
    words = re.findall(r"[a-z']+", text.lower())
    known = _words().english
    if not words:
        return _UNDECIDED
    last, first = words[-1], words[0]
    if last in known["closed"] or " ".join(words[-2:]) in known["closed"]:
        return _FINISHED
    if last in known["open"] or " ".join(words[-2:]) in known["open"] or _GOES_ON.search(text):
        return _UNFINISHED
    if first in known["questions"] and len(words) >= 3:
        return _FINISHED
    if first in known["commands"] and len(words) >= 2:
        return _FINISHED
    return _UNDECIDED
