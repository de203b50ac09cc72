"""`jiamenkou keys`: the keys that integrators call the service with."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import SettingsError
from assistant.keys import Key, Keys, Scope
from assistant.settings import settings

app = typer.Typer(no_args_is_help=True)

Prefix = Annotated[str, typer.Argument(help="The key's first characters, as `keys list` shows them.")]
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Who will use it: lobby-robot, call-centre …")],
    scope: Annotated[list[Scope], typer.Option(help="What it opens; may be given several times.")],
    expires: Annotated[str, typer.Option(help="When it ends: 90d, 12h, 30m; never when left out.")] = "",
    per_minute: Annotated[int | None, typer.Option(min=1, help="Requests a minute, instead of the setting's.")] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="Requests at once, instead of the setting's.")] = None,
) -> None:
    """Make a key. It is shown this once only."""
    ends = time.time() + duration(expires) if expires else None
    secret, key = _keys().add(name, scope, expires=ends, per_minute=per_minute, at_once=at_once)
    _show(secret, key)


@app.command("list")
def list_() -> None:
    """Every key with its state; never the keys themselves."""
    now = time.time()
    table = Table("prefix", "name", "scopes", "state", "made", "expires", "last used")
    for key in _keys().all():
        scopes = ", ".join(sorted(key.scopes))
        times = (_when(key.created), _when(key.expires), _when(key.used))
        table.add_row(key.prefix, key.name, scopes, key.state(now), *times)
    Console().print(table)


@app.command()
def rotate(
    prefix: Prefix,
    overlap: Annotated[str, typer.Option(help="How long the old key still works: 24h, 30m, 0m.")] = "24h",
) -> None:
    """Make a new key in place of an old one, with a time in which both work."""
    store = _keys()
    secret, key = store.rotate(prefix, duration(overlap))
    typer.echo(f"{prefix} works until {_when(store.get(prefix).expires)}.", err=True)
    _show(secret, key)


@app.command()
def revoke(prefix: Prefix) -> None:
    """End a key at once."""
    key = _keys().revoke(prefix)
    typer.echo(f"{key.prefix} ({key.name}) opens nothing any more.", err=True)


def duration(text: str) -> float:
    """Seconds of 30m, 12h or 90d."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if not found:
        raise SettingsError(f"{text!r} is no length of time.", "Write 30m, 12h or 90d.")
    return int(found[1]) * _UNITS[found[2]]


def _keys() -> Keys:
    return Keys(settings().data_folder)


def _show(secret: str, key: Key) -> None:
    typer.echo(
        f"{key.prefix} ({key.name}: {', '.join(sorted(key.scopes))}). Keep it now, it is not shown again:", err=True
    )
    typer.echo(secret)


def _when(moment: float | None) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M") if moment is not None else "–"
