"""Reads the corpus's files: text and YAML, safely; what is wrong becomes a problem with file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from knowledge.content import LARGEST, Tree

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\ue000-\uf8ff]")


@dataclass(frozen=True)
class Problem:
    """What is wrong in which file and line, and what to do."""

    file: str
    what: str
    hint: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.what} {self.hint}".rstrip()


@dataclass
class Files:
    """The files of one tree, with the problems found."""

    tree: Tree
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, name: str, what: str, hint: str = "", line: int | None = None) -> None:
        """Note a problem."""
        self.problems.append(Problem(name, what, hint, line))

    def text(self, name: str) -> str | None:
        """The file's text (UTF-8, or GB18030 where it reads as text), or None with a problem noted."""
        try:
            size = self.tree.size(name)
            if size > LARGEST:
                limit = f"a file may have {LARGEST // 2**20} MiB"
                self.wrong(name, f"is {size / 2**20:.0f} MiB.", f"Split it: {limit}.")
                return None
            data = self.tree.read(name)
        except OSError as error:
            self.wrong(name, f"can't be read: {error.strerror}.", "Check its rights.")
            return None
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if not _CONTROL.search(text):
                return text.replace("\r\n", "\n").replace("\r", "\n")
        self.wrong(name, "is no text in UTF-8 or GB18030.", "Save it as UTF-8 text, or remove it.")
        return None

    def yaml(self, name: str, text: str | None = None, first_line: int = 0) -> Any:
        """Parsed YAML, or None with a problem noted that names the line."""
        text = self.text(name) if text is None else text
        if text is None:
            return None
        try:
            data = yaml.load(text, yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)  # noqa: S506
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 + first_line if mark else None
            what = getattr(error, "problem", None) or "it can't be parsed"
            self.wrong(name, f"is broken YAML: {what}.", "Mend it there or just above.", line)
        except (ValueError, RecursionError) as error:
            self.wrong(name, f"is broken YAML: {error}.", "Mend it.")
        else:
            if data is None:
                self.wrong(name, "is empty.", "Fill it, or remove it.")
            return data
        return None


def line_of(text: str, pattern: str, first_line: int = 0) -> int | None:
    """Number of the first line (from 1) that ``pattern`` matches, or None."""
    match = re.search(pattern, text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 + first_line if match else None


def first_error(error: ValidationError) -> tuple[str, str]:
    """Field and message of the first thing that is wrong; the field is empty when it is the whole."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return where, f"{where}: {message}" if where else message
