"""Departments: lists of who is responsible, and the names that people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from assistant.errors import KnowledgeError

ALIASES, ENGLISH = "departments.yaml", "departments_english.yaml"


def parse_departments(line: str) -> tuple[str, ...]:
    """Names in a 责任部门、单位 list, as written."""
    return tuple(name.strip() for name in re.split(r"[、,，;；]", line) if name.strip())


def aliases(departments: Iterable[str], source: Path | Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every way of naming each of ``departments``, to its name as the documents write it.

    ``source`` is a release's own table of names, or the folder of a corpus. Raises KnowledgeError when its
    departments.yaml is broken.
    """
    known = set(departments)
    table = name_table(_read(source / ALIASES)) if isinstance(source, Path) else source
    out = {other: name for name, others in table.items() if name in known for other in others}
    # 市民政局 is asked for as 民政局; a department's own name wins over another's alias.
    out |= {name[1:]: name for name in known if name.startswith("市") and len(name) > 3}
    return out | {name: name for name in known}


def english_names(corpus_folder: Path) -> dict[str, str]:
    """Departments in English, by their name in the documents."""
    return english_table(_read(corpus_folder / ENGLISH))


def name_table(data: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The content of departments.yaml: other names of each department."""
    return {name: tuple(map(str, others)) for name, others in data.items() if isinstance(others, list)}


def english_table(data: Mapping[str, object]) -> dict[str, str]:
    """The content of departments_english.yaml."""
    return {name: str(value) for name, value in data.items()}


def name_problems(data: object) -> list[str]:
    """What is wrong in the content of departments.yaml."""
    if not isinstance(data, dict):
        return ["is no table of names."]
    out: list[str] = []
    owners: dict[str, str] = {}
    for name, others in data.items():
        if not isinstance(others, list) or not all(isinstance(other, str) and other for other in others):
            out.append(f"gives {name} something else than a list of names.")
            continue
        for other in others:
            if owners.setdefault(other, name) != name:
                out.append(f"gives the name {other} to both {owners[other]} and {name}.")
    return out


def _read(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path} can't be read: {error}.", "Mend the file and publish again.") from error
    if not isinstance(data, dict | None):
        raise KnowledgeError(f"{path} is no table of names.", "Write one department a line, with its names.")
    return dict(data or {})
