"""Departments named in a text: those in lists of who is responsible, known ones, and what reads like one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from assistant.contracts import Passage
from knowledge.intake.values import FoundDepartment

_SUFFIX = (
    r"(?:街道办事处|镇人民政府|区人民政府|市人民政府|人民政府|居民委员会|村民委员会|居委会|村委会|社区事务受理服务中心|受理服务中心"
    r"|管理委员会|委员会|管理局|监管局|[政教资保障局]局|办公厅|办公室|卫生健康委|教委|商务委|[\u4e00-\u9fff]{2}局|党工委|派出所|司法所)"
)
_LIKE = re.compile(
    rf"(?:^|(?<=[，,。；;：:、（(由请向到在和与及跟找\s]))(?P<name>[\u4e00-\u9fff]{{1,14}}?{_SUFFIX})(?=[，,。；;：:、）)\s负牵会等的及和与办受组审统咨申领]|$)"
)
_VERBS = re.compile(r"^(?:请|由|向|到|在|和|与|及|跟|找|经|报|送|按|对|从|负责|联系|咨询|提交|通过)+")
_NONE = re.compile(r"[的是了把被要可应]|[布格结全大时战政变残开]局$")


def find_departments(passages: Iterable[Passage], known: Collection[str]) -> list[FoundDepartment]:
    """Each department with the passages that name it, in the order of first places."""
    places: dict[str, list[str]] = defaultdict(list)
    listed: set[str] = set()
    names = sorted((name for name in known if len(name) >= 3), key=len, reverse=True)
    for passage in passages:
        if passage.kind == "article":
            for name in passage.departments:
                listed.add(name)
                places[name].append(passage.id)
        elif passage.kind in ("sentence", "about", "card") and passage.field != "chapter":
            rest = passage.text
            for name in names:
                if name in rest:
                    places[name].append(passage.id)
                    rest = rest.replace(name, " ")
            for match in _LIKE.finditer(rest):
                name = _VERBS.sub("", match.group("name"))
                if len(name) >= 3 and not _NONE.search(name):
                    places[name].append(passage.id)
    return [
        FoundDepartment(name=name, known=name in known or name in listed, passages=tuple(dict.fromkeys(found)))
        for name, found in places.items()
    ]
