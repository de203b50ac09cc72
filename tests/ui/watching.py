"""Watches pages of a browser test: nothing may leave the machine, and no script may fail or be forbidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Watch:
    """What the watched pages asked for, and what went wrong in them."""

    hosts: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def over(self, page: Any) -> Any:
        """Watch ``page`` from now on."""
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname or ""))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if "Content Security" in said.text else None)
        return page

    def check(self) -> None:
        """Fail when a request went elsewhere, or something failed."""
        assert self.hosts - {""} == {"127.0.0.1"}
        assert self.problems == []
