"""The `jiamenkou` command: ask, publish, serve, weights, releases."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer

from assistant import cli_knowledge
from assistant.cli_intake import take_in, take_in_sources
from assistant.cli_keys import app as keys_app
from assistant.cli_staff import app as staff_app
from assistant.cli_voice import hear, prepare_speech, speak
from assistant.contracts import Answer
from assistant.errors import InputError, JiamenkouError, SettingsError
from assistant.settings import Settings, settings
from assistant.weights.cli import app as weights_app

if TYPE_CHECKING:
    from knowledge.merging import Prefer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="小沪 at your doorstep: ask, publish, serve.",
)
app.command()(hear)
app.command()(speak)
app.command("prepare-speech")(prepare_speech)
app.add_typer(keys_app, name="keys", help="API keys: add, list, rotate, revoke.")
app.command("take-in")(take_in)
app.command("take-in-sources")(take_in_sources)
cli_knowledge.add(app)
app.add_typer(weights_app, name="weights", help="Model files: list, pull, verify, path.")
app.add_typer(staff_app, name="staff", help="Accounts of staff, and the log of what they did.")

Engine = Annotated[str, typer.Option(help="auto, extractive, or llm (the model always selects).")]


def say(text: str) -> None:
    """A message for people; standard output stays for answers."""
    typer.echo(text, err=True)


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="What a resident asks.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
    batch: Annotated[Path | None, typer.Option(help='JSON lines: {"id": …, "turns": ["…", …]}.')] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the batch's answers go.")] = None,
    engine: Engine = "auto",
) -> None:
    """Ask one question, or a file of conversations."""
    if (question is None) == (batch is None):
        raise SettingsError("Give a question or --batch FILE.", 'For example: jiamenkou ask "老房子能加装电梯吗？"')
    if engine not in ("auto", "extractive", "llm"):
        raise SettingsError(f"There is no engine {engine}.", "Use auto, extractive or llm.")
    asyncio.run(_ask(question, as_json, batch, output, engine))


async def _ask(question: str | None, as_json: bool, batch: Path | None, output: Path | None, engine: str) -> None:
    from assistant.main import build, model_or_none, wait_until_ready

    conversations = _read_batch(batch) if batch else [{"id": None, "turns": [question]}]
    config = settings()
    _ensure_published(config)
    model = None if engine == "extractive" else model_or_none(config, say)
    assistant, _ = build(config, model, engine=engine)
    try:
        if model is not None and (batch or engine == "llm"):
            await wait_until_ready(model, 60.0)
        with _opened(output) if output else contextlib.nullcontext(sys.stdout) as out:
            for number, conversation in enumerate(conversations):
                session = assistant.session(f"batch-{number}")
                answers = []
                for turn in conversation["turns"]:
                    session.turn_id += 1
                    try:
                        answers.append(await assistant.answer(turn, session))
                    except InputError as error:
                        answers.append(Answer(text=f"{error.message}{error.hint}", refused=True, reason="input"))
                if batch:
                    line = {"id": conversation["id"], "answers": [_shape(each) for each in answers]}
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
                elif as_json:
                    out.write(json.dumps(_shape(answers[0]), ensure_ascii=False) + "\n")
                else:
                    out.write(_readable(answers[0]))
                assistant.erase(session.id)
    finally:
        if model is not None:
            await model.close()


def _read_batch(path: Path) -> list[dict[str, Any]]:
    """All conversations, checked before the first is asked."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}.", "Give a UTF-8 file of JSON lines.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            turns = item["turns"]
            if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
                raise TypeError("turns is no list of strings")
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"Line {number} of {path} is no conversation: {error}.",
                'Each line is {"id": …, "turns": ["…", …]}.',
            ) from error
        found.append({"id": item.get("id"), "turns": turns})
    return found


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written: {error.strerror}.", "Name a file in a folder of yours."
        ) from error


def _shape(answer: Answer) -> dict[str, Any]:
    return {
        "answer": answer.text,
        "citations": [
            {"doc": c.doc, "article": c.article, "quote": c.quote, "sample": c.sample} for c in answer.citations
        ],
        "refused": answer.refused,
        "emergency": answer.emergency,
        "language": answer.language,
        "engine": answer.engine,
        "reason": answer.reason,
        "timings": answer.timings,
    }


def _readable(answer: Answer) -> str:
    lines = [answer.text, ""]
    for citation in answer.citations:
        where = " › ".join((citation.doc, *citation.path[1:]))
        lines.append(f"  ▸ {where}\n    “{citation.quote}”")
    return "\n".join(lines) + "\n"


def _ensure_published(config: Settings) -> None:
    from knowledge.release import current

    if current(config.data_folder) is None:
        say("Nothing is published yet: publishing the corpus first.")
        _publish(config, soon=True)


def _publish(config: Settings, rebuild: bool = False, prefer: Prefer = "", note: str = "", soon: bool = False) -> bool:
    from rich.console import Console
    from rich.progress import Progress

    from assistant.main_publish import operator, publish_corpus

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("vectors", total=None)
        release, new = publish_corpus(
            config,
            say,
            lambda done, all_: bars.update(task, completed=done, total=all_),
            rebuild,
            prefer,
            operator(),
            note,
            soon,
        )
    say(f"Published {release.name}." if new else f"Nothing has changed: {release.name} goes on answering.")
    return new


@app.command()
def publish(
    prefixes: Annotated[bool, typer.Option(help="Compute the language model's prefixes, too.")] = True,
    rebuild: Annotated[bool, typer.Option(help="Build everything anew, even when nothing has changed.")] = False,
    prefer: Annotated[str, typer.Option(help="Whose file counts when both changed it: folder or staff.")] = "",
    note: Annotated[str, typer.Option(help="What this release is about; `jiamenkou releases` shows it.")] = "",
) -> None:
    """Turn the corpus into a release and make it answer."""
    config = settings()
    if prefer not in ("", "folder", "staff"):
        raise SettingsError(f"There is no side {prefer}.", "Use --prefer folder or --prefer staff.")
    _publish(config, rebuild, cast("Prefer", prefer), note)
    if prefixes and config.llm == "local":
        asyncio.run(_prepare(config))


async def _prepare(config: Settings) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from assistant.answer.llm import LocalLanguageModel
    from assistant.main import (
        Library,
        articles,
        kept_articles,
        make_embedder,
        model_or_none,
        wait_until_ready,
    )

    model = model_or_none(config, say)
    if not isinstance(model, LocalLanguageModel):
        return
    try:
        found = articles(Library(config, make_embedder(config)).knowledge())
        if model.prepared(found):
            say(f"All {len(found)} prefixes are ready.")
            return
        await wait_until_ready(model, 120.0)
        with Progress(console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task("prefixes", total=len(found))
            new = await model.prepare(found, lambda done, all_: bars.update(task, completed=done, total=all_))
        model.prune([*found, *kept_articles(config)])
        say(f"{len(found)} prefixes are ready, {new} of them new.")
    finally:
        await model.close()


@app.command()
def check() -> None:
    """Read the corpus and name every problem in it."""
    from knowledge.load import load_corpus

    result = load_corpus(settings().corpus_folder)
    for problem in result.problems:
        typer.echo(str(problem))
    kinds = [passage.kind for passage in result.corpus.passages]
    typer.echo(
        f"{len(result.corpus.documents)} documents, {kinds.count('article')} articles, "
        f"{kinds.count('sentence')} sentences, {kinds.count('card')} cards, {len(result.problems)} problems."
    )
    if result.problems:
        raise typer.Exit(1)


@app.command("import-source")
def import_source(
    source: Annotated[Path, typer.Argument(help="The plan as it was scraped (text).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the Markdown.")],
) -> None:
    """Clean a scraped document into Markdown and report what was changed."""
    from knowledge.scrape import import_source as clean

    typer.echo(clean(source, output))


@app.command("kiosk-pin")
def kiosk_pin(
    pin: Annotated[str, typer.Option(prompt="PIN of 4 to 12 digits", hide_input=True, confirmation_prompt=True)],
) -> None:
    """Hash a PIN for the kiosk's staff menu; put what is printed into JIAMENKOU_KIOSK_PIN_HASH."""
    from ui.kiosk.pin import hash_pin

    typer.echo(hash_pin(pin))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port on JIAMENKOU_HOST.")] = None,
) -> None:
    """Open the web chat and the HTTP service."""
    from assistant.serve import run

    config = settings()
    if port:
        config = config.model_copy(update={"port": port})
    _ensure_published(config)
    run(config, say)


def main() -> None:
    """Run the command; errors are one clear message, not a trace."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    try:
        app(standalone_mode=False)
    except JiamenkouError as error:
        say(f"Error: {error.message}\n{error.hint}".rstrip())
        sys.exit(1)
    except typer.Abort:
        sys.exit(130)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        say(error.format_message())  # a wrong option or argument
        sys.exit(2)
