"""The four components of the page, each an HTML template with a script of ours.

They are made by functions and not by subclasses, since Gradio writes a ``.pyi`` file beside the
source of every subclass.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

SCRIPTS = Path(__file__).resolve().parent / "js"
# Gradio fills a template's {{value}} in first and then runs the outcome as a JavaScript template, so
# that {{value}} would run what a resident typed between ${ and }. Only ${value} is safe.
THREAD = '${value.join("")}'
COMPOSER = """<form class="composer" autocomplete="off">
  <div class="row">
    <textarea rows="1" maxlength="2000" enterkeyhint="send" placeholder="${value.placeholder}"
      aria-label="${value.placeholder}"></textarea>
    <button type="submit" class="send" ${value.busy ? "hidden" : ""} ${value.ready ? "" : "disabled"}
      >${value.send}</button>
    <button type="button" class="stop" ${value.busy ? "" : "hidden"}>${value.stop}</button>
  </div>
  <p class="hint" role="status"></p><p class="notice">${value.notice}</p>
</form>"""


def header(html: str) -> gr.HTML:
    """Who speaks; triggers ``language`` {language} and ``clear``."""
    return _part("header", "${value}", html)


def thread(pieces: list[str]) -> gr.HTML:
    """All turns, a list of HTML strings; triggers ``submit`` {text} and ``rate`` {turn, good}."""
    return _part("thread", THREAD, pieces)


def composer(value: dict[str, Any]) -> gr.HTML:
    """The input box; triggers ``submit`` {text} and ``stop``."""
    return _part("composer", COMPOSER, value)


def voice(value: dict[str, Any]) -> gr.HTML:
    """Talking and listening; triggers ``voiced`` {text, turn_id} when a spoken turn has its answer.

    The template never changes, so that Gradio leaves alone what ``ui/js/voice.js`` draws.
    """
    return _part("voice", '<div class="voice"></div>', value, script="voice_loader")


def _part(name: str, template: str, value: Any, script: str = "") -> gr.HTML:
    script = (SCRIPTS / f"{script or name}.js").read_text(encoding="utf-8")
    return gr.HTML(
        value,
        html_template=template,
        js_on_load=script,
        apply_default_css=False,
        elem_id=name,
        container=False,
    )
