"""`jiamenkou releases`, `rollback`, `diff`, `stale`, `backup`, `restore`, `export` and `import`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.errors import KnowledgeError
from assistant.settings import settings

if TYPE_CHECKING:
    from assistant.main_publish import Publisher, Trial
    from knowledge.answers import AnswerChange
    from knowledge.difference import Mark

Note = Annotated[str, typer.Option(help="What it is about; `jiamenkou releases` shows it.")]


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
    from knowledge.release import find_release
    from knowledge.release import roll_back as back

    find_release(settings().data_folder, name)
    try:
        release = back(settings().data_folder, name, operator())
    except KnowledgeError:
        release = _publisher().roll_back(name, operator())  # builds again what is gone, or says what is wrong
    typer.echo(f"{release.name} answers now.")


def diff(
    old: Annotated[str, typer.Argument(help="A release; without one, what answers now.")] = "",
    new: Annotated[str, typer.Argument(help="A release; without one, what `jiamenkou publish` would make.")] = "",
    change: Annotated[int, typer.Option(help="A change set, instead of the corpus folder.")] = 0,
    answers: Annotated[bool, typer.Option(help="Ask the saved questions of both, too.")] = False,
) -> None:
    """Show what would be different: passages, figures, dates, departments, and answers."""
    from knowledge.release import find_release

    publisher = _publisher()
    data = publisher.data
    before = find_release(data, old) if old else None
    if new:
        trial = publisher.trial(find_release(data, new), before)
    else:
        tried = publisher.try_out(change) if change else publisher.try_folder()
        trial = publisher.trial(tried.new, before) if before else tried
    for line in _readable(trial):
        typer.echo(line)
    if answers:
        compared = asyncio.run(publisher.answers(trial))
        for each in compared:
            for line in _answered(each):
                typer.echo(line)
        if any(each.verdict == "worse" for each in compared):
            raise typer.Exit(1)


def stale(
    days: Annotated[int, typer.Option(help="How far to look ahead.")] = 30,
) -> None:
    """List what may not be used any more, or soon, by owner."""
    from knowledge.calendar import reminders
    from knowledge.release import current

    release, today = current(settings().data_folder), settings().today()
    if release is None:
        raise KnowledgeError("Nothing has been published yet.", "Run `jiamenkou publish`.")
    for reminder in reminders(release.shelf(), today, days):
        typer.echo(reminder.owner or "(no owner)")
        for entry in reminder.entries:
            when = f"in {entry.days} days" if entry.days >= 0 else f"{-entry.days} days ago"
            typer.echo(f"  {entry.when}  {when:>12}  {entry.title} ({entry.passage_id or entry.document})")


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write (.tar.gz).")],
    index: Annotated[bool, typer.Option(help="With the indexes; without, a restore builds them again.")] = True,
) -> None:
    """Write everything that staff keep into one archive."""
    from knowledge.backup import backup as write

    typer.echo(f"{write(settings().data_folder, file, index)} files are in {file}.")


def restore(file: Annotated[Path, typer.Argument(help="An archive that `jiamenkou backup` wrote.")]) -> None:
    """Take everything of a backup into this data folder; it answers as the old one did."""
    typer.echo(f"{_publisher().restore(file).name} answers now.")


def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    release: Annotated[str, typer.Option(help="A release; without one, what answers now.")] = "",
) -> None:
    """Write the content as a corpus folder: Markdown, cards, word lists."""
    from knowledge.backup import export as write
    from knowledge.content import Content
    from knowledge.release import find_release, head

    data = settings().data_folder
    about = find_release(data, release).about if release else head(data)
    if not about.snapshot:
        raise KnowledgeError("Nothing has been published yet.", "Run `jiamenkou publish`.")
    typer.echo(f"{write(Content(data), about.snapshot, folder)} files are in {folder}.")


def import_(
    folder: Annotated[Path, typer.Argument(help="A corpus folder, such as `jiamenkou export` writes.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    note: Note = "",
) -> None:
    """Make a draft that turns the content into what a folder holds, and publish it if asked."""
    from assistant.main_publish import operator

    publisher, who = _publisher(), operator()
    change = publisher.import_folder(folder, who, note)
    if change is None:
        typer.echo("The content is like the folder already.")
        return
    for item in change.items:
        typer.echo(f"{'-' if item.text is None else '+' if item.base is None else '~'} {item.path}")
    typer.echo(f"Change set {change.id} is a draft.")
    if publish:
        publisher.changes.submit(change.id, who)
        publisher.changes.approve(change.id, who)
        typer.echo(f"{publisher.publish_change(change.id, who, note).name} answers now.")
        publisher.tidy()


def _publisher() -> Publisher:
    from assistant.main_publish import Publisher

    return Publisher(settings(), say=lambda text: typer.echo(text, err=True))


def _readable(trial: Trial) -> list[str]:
    found = trial.difference
    if found.empty:
        return ["Nothing is different."]
    out = []
    for document in found.documents:
        out.append(f"{document.kind} {document.id}: {document.title}")
        for field in document.fields:
            out.append(f"  {field.what}: {field.before or '–'} → {field.after or '–'}")
        out += [f"  department +{name}" for name in document.departments_added]
        out += [f"  department -{name}" for name in document.departments_removed]
        for figure in document.figures:
            out.append(f"  figure {figure.what}: {figure.before or '–'} → {figure.after or '–'}")
        for passage in document.passages:
            text = passage.before if passage.kind == "removed" else passage.after
            shown = _marked(passage.marks) if passage.marks else text.replace("\n", " ")
            out.append(f"  {passage.kind} {passage.id}: {shown}")
        counts = (document.phrasings_added, document.phrasings_removed, document.english_changed)
        if any(counts):
            out.append("  phrasings +{} -{}, English changed {}".format(*counts))
    for word in found.words:
        out.append(f"{word.what}: {f'- {word.before}' if word.before else f'+ {word.after}'}")
    return out


def _marked(marks: tuple[Mark, ...]) -> str:
    shape = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(shape[mark.kind].format(mark.text) for mark in marks).replace("\n", " ")


def _answered(change: AnswerChange) -> list[str]:
    out = [f"{change.verdict:8} {change.question}"]
    if change.verdict != "same":
        out.append(f"    before: {change.before.text if change.before else '–'}")
        out.append(f"    after:  {change.after.text}")
        out += [f"    {why}" for why in change.why]
    return out


def add(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in (releases, diff, stale, backup, restore, export):
        app.command()(command)
    app.command("import")(import_)
    app.command("rollback")(roll_back)
    app.command("roll-back", hidden=True)(roll_back)
