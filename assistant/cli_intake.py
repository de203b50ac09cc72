"""The commands of taking in: take-in, take-in-sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from assistant.errors import InputError, SettingsError
from assistant.settings import settings
from knowledge.intake.values import Intake, Node

_SHOWN = 20  # entries of each list


def take_in(
    file: Annotated[Path | None, typer.Argument(help="Markdown, text, HTML, docx, pdf, xlsx or csv.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the drafts and preview.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the preview as one JSON object.")] = False,
    owner: Annotated[str, typer.Option(help="Who keeps it right; drafts need one.")] = "",
    source: Annotated[str, typer.Option(help="Where it comes from, when the file doesn't say.")] = "",
    tables: Annotated[
        str, typer.Option(help="cards, or sentences: what becomes of tables that could be cards.")
    ] = "cards",
    template: Annotated[
        Path | None, typer.Option(help="Write the table of service cards to fill in, and stop.")
    ] = None,
) -> None:
    """Read a file and show what would become of it; nothing is published."""
    from assistant.main_intake import preview
    from knowledge.intake.drafts import draft_files
    from knowledge.intake.pipeline import Options
    from knowledge.intake.template import card_template

    if template is not None:
        template.write_bytes(card_template())
        typer.echo(f"Wrote {template}.", err=True)
        return
    if file is None:
        raise SettingsError("Give a file, or --template FILE.", "For example: jiamenkou take-in notice.docx")
    if tables not in ("cards", "sentences"):
        raise SettingsError(f"Tables can't become {tables}.", "Use --tables cards or --tables sentences.")
    config = settings()
    options = Options.model_validate({"owner": owner, "source": source, "tables": tables})
    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("reading", total=None)

        def show(done: int, of_all: int, unit: str) -> None:
            bars.update(task, completed=done, total=of_all or None, description=f"{done}/{of_all} {unit}")

        intake = preview(config, file, options=options, progress=show)
    if as_json:
        typer.echo(intake.model_dump_json())
    else:
        typer.echo("\n".join(_readable(intake)))
    if output is not None:
        _write(output, {"preview.json": intake.model_dump_json()} | draft_files(intake))


def _write(folder: Path, files: dict[str, str]) -> None:
    """All files below ``folder``; one that is there already is never written over."""
    taken = [name for name in files if name != "preview.json" and (folder / name).exists()]
    if taken:
        raise InputError(f"{folder / taken[0]} is there already.", "Choose another folder, or remove it.")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"Wrote {path}.", err=True)


def take_in_sources(
    once: Annotated[bool, typer.Option("--once", help="Look once and stop.")] = False,
) -> None:
    """Look at the watched folder and the Git repository, and keep previews of what is new."""
    from assistant.main_intake import Looked, keep_looking, look, sources_of

    config = settings()
    sources = sources_of(config)
    if not sources:
        raise SettingsError(
            "No source is set.", "Set JIAMENKOU_INTAKE_FOLDER to a folder, or JIAMENKOU_INTAKE_GIT to a repository."
        )

    def tell(looked: Looked) -> None:
        for message in looked.messages:
            typer.echo(message, err=True)
        for id_ in looked.previews:
            typer.echo(id_)

    if once:
        tell(look(config, sources))
    else:
        keep_looking(config, tell, lambda: False)


def _readable(intake: Intake) -> Iterator[str]:
    """The preview for a terminal: an English frame, the document's own words as they are."""
    yield f"{intake.name}  ({intake.kind}, {intake.size:,} bytes, sha256 {intake.digest[:12]})"
    counts = [("pages", intake.pages), ("table rows", intake.rows), ("chapters", intake.document.chapters)]
    counts += [
        ("articles", intake.document.articles),
        ("passages", len(intake.passages)),
        ("cards", sum(not c.problems for c in intake.cards)),
    ]
    yield ", ".join(f"{count} {what}" for what, count in counts if count)
    yield from _listed("Look at", (f"[{each.level}] {each}" for each in intake.notices if each.level != "note"))
    yield from _listed("Notes", (str(each) for each in intake.notices if each.level == "note"))
    against = (
        f"{c.value} here, {c.published_value} in {c.title} ({c.published})\n      here:      {c.text}\n      published: {c.published_text}"
        for c in intake.contradictions
    )
    yield from _listed("Contradicts what is published", against)
    personal = (
        f"{p.kind}: {p.text} → {p.replacement}{'' if p.certain else ' (perhaps)'} {p.where or p.card}"
        for p in intake.personal
    )
    yield from _listed("Personal data", personal)
    yield from _listed("Orders to the model (kept as data, never spoken)", (each.text for each in intake.orders))
    yield "\nProposed front matter"
    for field in intake.front:
        because = f"   ← {field.because}" if field.because else ""
        yield f"  {field.name}: {field.value or ('(to fill in)' if field.must_fill else '')}{because}"
    yield "\nTree"
    yield from _tree(intake.tree, 1)
    yield from _listed(
        "Cleaned", (f"{c.rule}: {c.old} → {c.new or '(removed)'} ×{c.count} {c.place}" for c in intake.changes)
    )
    dates = (f"{each.role}: {each.text} ({each.passage})" for each in intake.dates)
    yield from _listed("Dates", dates)
    yield from _listed(
        "Departments", (f"{d.name}{'' if d.known else ' (new)'} ×{len(d.passages)}" for d in intake.departments)
    )
    targets = (f"{t.target.subject}: {t.target.quantity:g}{t.target.unit} {t.target.deadline}" for t in intake.targets)
    yield from _listed("Targets", targets)
    yield from _listed("Published already", (f"{o.share:.0%} in {o.title} ({o.doc})" for o in intake.overlaps))
    copies = (f"{d.similarity:.0%} {d.passage} = {d.published}" for d in intake.duplicates)
    yield from _listed("Duplicates", copies)


def _listed(title: str, entries: Iterable[str]) -> Iterator[str]:
    found = list(entries)
    if found:
        yield f"\n{title} ({len(found)})"
        yield from (f"  {each}" for each in found[:_SHOWN])
        if len(found) > _SHOWN:
            yield f"  … {len(found) - _SHOWN} more: see --json"


def _tree(node: Node, depth: int) -> Iterator[str]:
    if depth <= 3:
        title = " ".join(node.title.split())
        yield f"{'  ' * depth}{title[:60]}{'…' if len(title) > 60 else ''}"
        for child in node.children:
            yield from _tree(child, depth + 1)
