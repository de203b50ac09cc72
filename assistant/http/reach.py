"""Where a phone reaches this server: for the addresses that QR codes hold."""

from __future__ import annotations

import ipaddress
import re
import socket

from starlette.requests import Request

from assistant.settings import Settings

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE)
ANY = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


def address_for_phones(request: Request, settings: Settings) -> str | None:
    """``http://host:port`` without a path; None when a phone could not come here.

    The setting counts first, then the address that the request came to, then this machine's own on its
    network when the server listens there.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = request.url.hostname or ""
    if reachable(host):
        return f"{request.url.scheme}://{_bracketed(host)}{f':{request.url.port}' if request.url.port else ''}"
    own = own_address() if settings.host in ANY else settings.host
    return f"http://{_bracketed(own)}:{settings.port}" if own and reachable(own) else None


def reachable(host: str) -> bool:
    """Whether another machine may know ``host``: an address that isn't this machine alone, or a name with a dot."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(_NAME.fullmatch(host)) and not host.lower().endswith(".localhost")
    return not (address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local)


def own_address() -> str | None:
    """This machine's address on its network; None without one. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # for documentation only; a datagram socket only looks up the route
            return str(probe.getsockname()[0])
        except OSError:
            return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
