"""`jiamenkou releases`, `rollback` and what else keeps the knowledge, as commands."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.settings import settings


def releases() -> None:
    """List the releases that are kept, newest first; * answers now."""
    from knowledge.release import current
    from knowledge.release import releases as kept

    now = current(settings().data_folder)
    for release in kept(settings().data_folder):
        about = release.about
        words = [f"{release.documents} documents, {release.passages} passages", about.by, about.note]
        mark = "*" if now and release.name == now.name else " "
        typer.echo(f"{mark} {release.name}  {release.created}  {'; '.join(word for word in words if word)}")


def roll_back(name: Annotated[str, typer.Argument(help="A name that `jiamenkou releases` lists.")]) -> None:
    """Let an earlier release answer again."""
    from assistant.main_publish import operator
    from knowledge.release import roll_back as back

    typer.echo(f"{back(settings().data_folder, name, operator()).name} answers now.")


def add(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(releases)
    app.command("rollback")(roll_back)
    app.command("roll-back", hidden=True)(roll_back)
