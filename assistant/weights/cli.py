"""Commands for people: list, pull, verify and find models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import JiamenkouError, WeightsError
from assistant.settings import settings
from assistant.weights.store import WeightStore

app = typer.Typer(help="Models: what there is, where it comes from, whether it is whole.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Names of models or of roles.")]
From = Annotated[list[Path] | None, typer.Option("--from", help="Look into this folder first; may be given again.")]


@contextmanager
def _told() -> Iterator[None]:
    """Errors as two lines for people, and exit code 1."""
    try:
        yield
    except JiamenkouError as problem:
        typer.secho(problem.message, fg="red", err=True)
        if problem.hint:
            typer.echo(problem.hint, err=True)
        raise typer.Exit(1) from None


def _store(extra: list[Path] | None = None) -> WeightStore:
    chosen = settings()
    return WeightStore(chosen.weights_folder, (*(extra or ()), *chosen.weights_sources))


def _needed(store: WeightStore) -> list[str]:
    """What the settings call for; a server's model or a folder of one's own needs no download."""
    chosen, known = settings(), {model.name for model in store.manifest.models}
    named = {"embedder": chosen.embedder, "llm": chosen.llm_model if chosen.llm == "local" else ""}
    names = [named.get(role, role) for role in store.manifest.needed]
    return [name for name in names if name in known or name in store.manifest.needed]


def _wanted(store: WeightStore) -> list[str]:
    """What hearing and speaking use by the settings."""
    chosen, known = settings(), {model.name for model in store.manifest.models}
    named = {"recogniser": chosen.recogniser}
    names = [named.get(role, role) for role in store.manifest.wanted if chosen.voice != "none" or role != "voice"]
    if chosen.voice == "light":  # its licence is not for everybody: only for who chose it
        names.append("fastspeech2-baker")
    return [name for name in names if name in known or name in store.manifest.wanted]


@app.command("list")
def list_models(
    long: Annotated[bool, typer.Option("--long", help="What each is for, its notes and sources.")] = False,
) -> None:
    """Every model: role, name, licence, size, and whether it is here; notes with --long."""
    with _told():
        store = _store()
        table = Table(box=None, pad_edge=False)
        for column in ("role", "name", "kind", "licence", "size", "here"):
            table.add_column(column, no_wrap=column != "licence", justify="right" if column == "size" else "left")
        for model in store.manifest.models:
            remark = "default" if model.default else "alternate" if model.verified else "unverified"
            size = f"{model.size / 1e6:,.0f} MB" if model.size else "?"
            here = "yes" if store.present(model.name) else "no"
            table.add_row(model.role, model.name, remark, model.licence, size, here)
        Console().print(table)
        for model in store.manifest.models if long else ():
            origins = ", then ".join(source.label for source in model.sources)
            typer.echo(f"\n{model.name}: {model.about} {model.notes}".rstrip() + f" From {origins}.")
        typer.echo(f"Folder: {store.folder}")


@app.command()
def pull(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every model that the project has verified.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No bars.")] = False,
    sources: From = None,
) -> None:
    """Fetch models; without names those that the settings call for. May be stopped and run again."""
    with _told():
        store = _store(sources)
        wanted = list(names or _needed(store))
        if every:
            wanted = [model.name for model in store.manifest.models if model.verified]
        store.ensure(wanted, progress=not quiet)
        for name in [] if names or every else _wanted(store):
            try:
                store.ensure([name], progress=not quiet)
            except WeightsError as problem:  # typed questions are answered without it
                typer.secho(f"Going on without {name}: {problem.message} {problem.hint}", fg="yellow", err=True)
            else:
                wanted.append(name)
        for name in store.manifest.chosen(wanted):
            typer.echo(f"{name}: {store.path(name)}")


@app.command()
def verify(
    names: Names = None,
    repair: Annotated[bool, typer.Option("--repair", help="Fetch again what is broken.")] = False,
    sources: From = None,
) -> None:
    """Hash every file again; without names, of every model that is here."""
    with _told():
        store = _store(sources)
        here = [model.name for model in store.manifest.models if (store.folder / model.name).is_dir()]
        wrong = False
        for name in store.manifest.chosen(names) if names else here:
            faults = _faults(store, name)
            for fault in faults:
                typer.secho(fault, fg="red", err=True)
            if faults and repair:
                store.ensure([name])
            elif faults:
                wrong = True
                typer.echo(f"Run `jiamenkou weights pull {name}`: it fetches just that again.", err=True)
            if repair or not faults:
                typer.echo(f"{name}: {'repaired' if faults else 'whole'}")
        if wrong:
            raise typer.Exit(1)


def _faults(store: WeightStore, name: str) -> list[str]:
    """What is wrong with a model, as sentences; a model that isn't complete is one fault."""
    try:
        return [str(problem) for problem in store.verify(name)]
    except WeightsError as problem:
        return [problem.message]


@app.command()
def path(name: Annotated[str, typer.Argument(help="Name of a model or of a role.")]) -> None:
    """Print where a model lies."""
    with _told():
        store = _store()
        typer.echo(store.path(store.manifest.chosen([name])[0]))


if __name__ == "__main__":
    app()
