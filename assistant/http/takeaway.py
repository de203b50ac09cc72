"""Taking an answer home: a page of its own, and the QR code that leads a phone to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import segno
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, ConfigDict

from assistant.contracts import Answer, Conversation, Language, Passage
from assistant.http.limits import RateLimit
from assistant.http.problems import Problem
from assistant.http.reach import address_for_phones
from assistant.http.shapes import Session
from assistant.http.take_page import gone_page, moment, take_page
from assistant.settings import Settings
from assistant.takeaway import Shelf, takes_home
from assistant.takeaway import now as this_moment

A_MINUTE = 60  # of one client address
_SAYS = {
    Language.CHINESE: {
        "busy": ("您点得太快了。", "请过一分钟再试。"),
        "unknown": ("这个回答已经不在了。", "请再问一次，然后马上点。"),
        "nothing": ("这句话没有可以带回家的内容。", "请先问一件事。"),
        "person": ("工作人员说的话不放到网页上。", "请用笔记下来，或者打印。"),
        "unreachable": "手机打不开这台机器的网页，所以没有二维码。您可以打印，或者用手机拍下屏幕。",
        "code": "二维码，用手机扫一扫，把回答带回家",
    },
    Language.ENGLISH: {
        "busy": ("That was too fast.", "Please try again in a minute."),
        "unknown": ("This answer is no longer here.", "Please ask again, and touch at once."),
        "nothing": ("There is nothing in this to take home.", "Please ask a question first."),
        "person": ("The words of staff are not put on a page.", "Please write them down, or print."),
        "unreachable": "A phone can't open pages of this machine, so there is no code. You can print, or photograph the screen.",
        "code": "QR code: scan it with a phone to take the answer home",
    },
}


class Wish(BaseModel):
    """Which answer to take home."""

    model_config = ConfigDict(extra="forbid")

    session: Session
    turn_id: int
    language: Language = Language.CHINESE  # of messages; the page has the answer's


def add_takeaway(app: FastAPI, conversation: Conversation, settings: Settings) -> Shelf:
    """Serve ``/api/takeaway`` and ``/take/{id}``; returns where the pages are."""
    shelf, limit = Shelf(settings.takeaway_hours), RateLimit(A_MINUTE)
    app.state.ticks.append(shelf.sweep)

    @app.post("/api/takeaway")
    async def take(wish: Wish, request: Request) -> dict[str, Any]:
        """Keep one answer as a page; without an address that a phone can reach there is a message and no code."""
        says: dict[str, Any] = _SAYS[wish.language]
        if not limit.allow(request.client.host if request.client else "unknown"):
            raise Problem(429, *says["busy"])
        answer = conversation.answered(wish.session, wish.turn_id)
        if answer is None:
            raise Problem(404, *says["unknown"])
        if not takes_home(answer):
            raise Problem(422, *says["person" if answer.engine == "person" else "nothing"])
        id_, page = shelf.put(answer, stands_on(conversation, answer))
        base = address_for_phones(request, settings)
        url = f"{base}/take/{id_}" if base else None
        return {
            "id": id_,
            "path": f"/take/{id_}",
            "url": url,
            "qr_svg": qr_svg(url, says["code"]) if url else None,
            "expires": page.until.isoformat(timespec="seconds"),
            "until": moment(page.until, page.made, wish.language),
            "message": "" if url else says["unreachable"],
        }

    @app.get("/take/{id_}", response_class=HTMLResponse, include_in_schema=False)
    async def page(id_: str) -> HTMLResponse:
        """The page, without a script."""
        found = shelf.get(id_)
        headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        if found is None:
            return HTMLResponse(gone_page(), 404, headers)
        return HTMLResponse(take_page(found, this_moment()), headers=headers)

    @app.get("/api/take.css", include_in_schema=False)
    async def style() -> FileResponse:
        return FileResponse(Path(__file__).with_name("take.css"), media_type="text/css")

    return shelf


def stands_on(conversation: Conversation, answer: Answer) -> list[Passage]:
    """What an answer cites, and the whole of each card that it cites a part of."""
    found: dict[str, Passage] = {}
    for citation in answer.citations:
        passage = conversation.passage(citation.passage_id)
        if passage is None:
            continue
        found.setdefault(passage.id, passage)
        if passage.kind in ("card", "field"):
            top = passage.parent or passage.id
            found |= {each.id: each for each in conversation.passages(passage.doc) if top in (each.id, each.parent)}
    return list(found.values())


def qr_svg(url: str, label: str) -> str:
    """A QR code with its white margin, sized by whoever shows it."""
    picture = segno.make(url, error="m", micro=False).svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return str(picture).replace("<svg ", f'<svg role="img" aria-label="{label}" shape-rendering="crispEdges" ', 1)
