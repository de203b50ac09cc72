"""Reads prompts: versioned Markdown with front matter; nothing about them is in code."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from assistant.contracts import Language
from assistant.errors import SettingsError

Message = dict[str, str]
_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_SECTION = re.compile(r"^## (system|examples|template)\s*$", re.MULTILINE)
_TURN = re.compile(r"^### (user|assistant)\s*$", re.MULTILINE)
_GAP = re.compile(r"\{([a-z_]+)\}")
_SPECIAL = re.compile(r"<\s*\|.*?\|\s*>|<\|")


@dataclass(frozen=True)
class Prompt:
    """One prompt. ``template`` has gaps like ``{question}``; ``digest`` changes with any of its words."""

    id: str
    version: int
    language: Language
    purpose: str
    max_tokens: int
    refuse_at: float  # share of probability on "none" from which none is taken
    system: str
    examples: tuple[tuple[str, str], ...]
    template: str
    digest: str

    def fill(self, **values: str) -> str:
        """The template with its gaps filled; values are never read as gaps themselves."""
        return _GAP.sub(lambda gap: values[gap[1]], self.template)

    def messages(self, **values: str) -> list[Message]:
        """System text, examples and the filled template, as chat messages."""
        found = [{"role": "system", "content": self.system}]
        for asked, answered in self.examples:
            found += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        return [*found, {"role": "user", "content": self.fill(**values)}]


def plain(text: str) -> str:
    """``text`` on one line and without marks that a chat template would take for its own."""
    return " ".join(_SPECIAL.sub(" ", text).split())


def load_prompt(folder: Path, language: Language, name: str) -> Prompt:
    """Read ``<folder>/<language>/<name>.md``; raises ``SettingsError`` naming what is wrong with it."""
    path = folder / language.value / f"{name}.md"
    try:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, str(error)) from error
    parts = _FRONT.match(text)
    if parts is None:
        raise _wrong(path, "it has no front matter")
    try:
        front = yaml.safe_load(parts[1])
        pieces = _SECTION.split(parts[2])
        sections = {title: body.strip("\n") for title, body in zip(pieces[1::2], pieces[2::2], strict=True)}
        prompt = Prompt(
            id=str(front["id"]),
            version=int(front["version"]),
            language=Language(front["language"]),
            purpose=str(front["purpose"]),
            max_tokens=int(front["max_tokens"]),
            refuse_at=float(front.get("refuse_at", 1.0)),
            system=sections["system"],
            examples=_turns(path, sections.get("examples", "")),
            template=sections["template"],
            digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        )
    except (yaml.YAMLError, KeyError, ValueError, TypeError) as error:
        raise _wrong(path, f"{type(error).__name__}: {error}") from error
    if prompt.id != name or prompt.language is not language:
        raise _wrong(path, f"it calls itself {prompt.language.value}/{prompt.id}")
    if "question" not in _GAP.findall(prompt.template):
        raise _wrong(path, "its template has no {question}")
    return prompt


def _turns(path: Path, text: str) -> tuple[tuple[str, str], ...]:
    pieces = _TURN.split(text)
    roles = pieces[1::2]
    if pieces[0].strip() or len(roles) % 2 or roles != ["user", "assistant"] * (len(roles) // 2):
        raise _wrong(path, "its examples aren't pairs of user and assistant")
    texts = [piece.strip("\n") for piece in pieces[2::2]]
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _wrong(path: Path, why: str) -> SettingsError:
    return SettingsError(f"The prompt {path} can't be used: {why}.", "Restore it from the repository.")
