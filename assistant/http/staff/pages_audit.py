"""The audit log for administrators: read, filtered, exported."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from assistant.http.staff import guards
from assistant.http.staff.frame import ZONE, Frame, Page
from assistant.http.staff.words import action_name, target_text, value_text
from assistant.staff.audit import AuditFilter
from assistant.staff.values import AuditEntry, Permission, Person

Reader = Annotated[Person, Depends(guards.require(Permission.AUDIT_READ))]
ON_A_PAGE = 50


class Wanted:
    """What a reader filters by, as it stands in the address."""

    def __init__(self, who: str = "", action: str = "", target: str = "", since: str = "", until: str = "") -> None:
        self.fields = {"who": who, "action": action, "target": target, "since": since, "until": until}
        self.problem = ""
        days = [self._day(text) for text in (since, until)]
        first = datetime.combine(days[0], time(), ZONE) if days[0] else None
        last = datetime.combine(days[1] + timedelta(days=1), time(), ZONE) if days[1] else None
        self.filter = AuditFilter(who.strip(), action.strip(), target.strip(), first, last)

    def _day(self, text: str) -> date | None:
        try:
            found = date.fromisoformat(text.strip()) if text.strip() else None
            return found if found is None or 1900 < found.year < 3000 else None
        except ValueError:
            self.problem = f"日期“{text[:20]}”看不懂，请写成 2026-01-31 这样。"
            return None


def add_audit(frame: Frame) -> None:
    """``/staff/audit``."""
    staff = frame.staff
    frame.add(Page("/staff/audit", "操作记录", Permission.AUDIT_READ, "谁在什么时候改了什么；可以筛选和导出。"))

    @frame.router.get("/staff/audit")
    def audit(
        request: Request, me: Reader, wanted: Annotated[Wanted, Depends()], page: Annotated[int, Query(ge=1)] = 1
    ) -> Response:
        of = staff.audit.count(wanted.filter)
        pages = max(1, -(-of // ON_A_PAGE))
        page = min(page, pages)
        entries = staff.audit.entries(wanted.filter, ON_A_PAGE, (page - 1) * ON_A_PAGE)
        given = {name: text for name, text in wanted.fields.items() if text}
        return frame.page(
            request,
            "audit.html",
            title="操作记录",
            entries=[
                (
                    entry,
                    frame.name_of(entry.who),
                    action_name(frame.actions, entry.action),
                    target_text(frame.fields, entry.target),
                    changes(entry, frame.fields),
                )
                for entry in entries
            ],
            wanted=wanted.fields,
            problem=wanted.problem,
            actions=frame.actions,
            of=of,
            number=page,
            pages=pages,
            older=urlencode({**given, "page": page + 1}),
            newer=urlencode({**given, "page": page - 1}),
            query=urlencode(given),
        )

    @frame.router.get("/staff/audit.csv")
    def export(me: Reader, wanted: Annotated[Wanted, Depends()]) -> StreamingResponse:
        staff.audit.write(me.who, "audit.export", after={name: text for name, text in wanted.fields.items() if text})
        return StreamingResponse(
            staff.audit.csv(wanted.filter),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
        )


def changes(entry: AuditEntry, names: dict[str, str]) -> list[tuple[str, str, str]]:
    """What is different after an action: field, before, after."""
    before, after = _fields(entry.before), _fields(entry.after)
    return [
        (names.get(name, name), value_text(before.get(name)), value_text(after.get(name)))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"": value}
