"""Departments: lists of who is responsible, and the names that people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import yaml

from assistant.errors import KnowledgeError


def parse_departments(line: str) -> tuple[str, ...]:
    """Names in a 责任部门、单位 list, as written."""
    return tuple(name.strip() for name in re.split(r"[、,，;；]", line) if name.strip())


@lru_cache
def _read(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path} can't be read: {error}.", "Mend the file and publish again.") from error
    return dict(data or {})


def aliases(departments: Iterable[str], corpus_folder: Path) -> dict[str, str]:
    """Every way of naming each department to its full name."""
    known = set(departments)
    out: dict[str, str] = {}
    for name in known:
        out[name] = name
        if name.startswith("市") and len(name) > 3:
            out[name[1:]] = name
    for name, others in _read(corpus_folder / "departments.yaml").items():
        if name in known and isinstance(others, list):
            out.update({str(other): name for other in others})
    return out


def english_names(corpus_folder: Path) -> dict[str, str]:
    """Departments in English."""
    return {name: str(value) for name, value in _read(corpus_folder / "departments_english.yaml").items()}
