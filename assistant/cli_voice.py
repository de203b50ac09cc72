"""The commands of hearing and speaking: hear, speak, prepare-speech."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from assistant.errors import SpeakError
from assistant.settings import settings


def hear(
    file: Annotated[Path, typer.Argument(help="A recording, in any common format.")],
    as_json: Annotated[bool, typer.Option("--json", help="Text, seconds, confidence and language.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="As heard, without repair of misheard words.")] = False,
) -> None:
    """Transcribe a recording."""
    from assistant.hear.command import hear_file
    from assistant.main import Library, make_embedder
    from assistant.main_voice import CONTEXT, Repairs, read_recogniser

    config = settings()
    recogniser, activity = read_recogniser(config)
    transcript = hear_file(file, recogniser, activity, CONTEXT)
    text = transcript.text
    if text and not raw and (config.data_folder / "current").exists():
        repairs = Repairs(Library(config, make_embedder(config)))
        text = "\n".join(repairs(line).text for line in text.splitlines())
    if as_json:
        fields = {"text": text, "heard": transcript.text, "seconds": round(transcript.seconds, 2)}
        fields |= {"confidence": round(transcript.confidence, 3), "language": transcript.language}
        typer.echo(json.dumps({**fields, "reason": transcript.reason}, ensure_ascii=False))
    elif text:
        typer.echo(text)
    else:
        typer.echo(f"No speech was found ({transcript.reason}).", err=True)


def speak(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A .wav, .flac, .ogg, .opus or .mp3 file.")],
    speed: Annotated[float, typer.Option(min=0.5, max=2.0, help="1 is the voice's own pace.")] = 1.0,
) -> None:
    """Say a text into a sound file."""
    from assistant.main_voice import make_voice
    from assistant.speak.command import speak_to_file

    async def run() -> float:
        voice = make_voice(settings())
        if voice is None:
            raise SpeakError("JIAMENKOU_VOICE is none.", "Set it to kokoro, light or edge.")
        try:
            return await speak_to_file(sys.stdin.read() if text == "-" else text, voice, output, speed)
        finally:
            await voice.close()

    typer.echo(f"{output}: {asyncio.run(run()):.1f} s", err=True)


def prepare_speech() -> None:
    """Say beforehand what answers are made of; `serve` does this in the background."""
    from assistant.main import Library, make_embedder
    from assistant.main_voice import Busy, make_engines
    from assistant.prepare_voice import prepare_speech as prepare

    config = settings()
    library = Library(config, make_embedder(config))

    async def run() -> int:
        engines = make_engines(config, library)
        try:
            with Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True) as bars:
                task = bars.add_task("Speech", total=None)
                return await prepare(
                    config, library, engines, Busy(), lambda done, of: bars.update(task, completed=done, total=of)
                )
        finally:
            if engines.voice is not None:
                await engines.voice.close()

    typer.echo(f"{asyncio.run(run())} clips were new.", err=True)
