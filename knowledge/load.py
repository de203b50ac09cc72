"""Read the corpus folder: documents, cards and their sidecars, validated; every problem is named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.contracts import Corpus, Document, Passage, Referral
from assistant.errors import KnowledgeError
from knowledge.articles import passages as split
from knowledge.cards import Card, card_passages

LARGEST = 20 * 1024 * 1024  # bytes of one file
SIDECARS = ("phrasings.yaml", "english.yaml")


@dataclass(frozen=True)
class Problem:
    """What is wrong in which file, and what to do."""

    file: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.what} {self.hint}".rstrip()


@dataclass(frozen=True)
class LoadResult:
    """A corpus and the problems found on the way; what is broken is left out."""

    corpus: Corpus
    problems: tuple[Problem, ...]


class _Front(BaseModel):
    """Front matter of a document; all of it may be left out of a plain note."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field("", pattern=r"^[A-Za-z0-9._-]*$")
    title: str = ""
    kind: str = "policy"
    number: str = ""
    issuer: str = ""
    issued: date | None = None
    source: str = ""
    owner: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    sample: bool = False
    index: bool = True


class _Cards(BaseModel):
    """A file of service cards."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=2)
    cards: list[dict[str, Any]]


@dataclass
class _Reader:
    folder: Path
    problems: list[Problem] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    passages: dict[str, Passage] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)

    def wrong(self, path: Path, what: str, hint: str = "") -> None:
        self.problems.append(Problem(str(path.relative_to(self.folder)), what, hint))

    def text(self, path: Path) -> str | None:
        """The file's text, or None with a problem named."""
        try:
            size = path.stat().st_size
            if size > LARGEST:
                self.wrong(path, f"is {size // 2**20} MiB.", f"Split it: a file may have {LARGEST // 2**20} MiB.")
                return None
            data = path.read_bytes()
        except OSError as error:
            self.wrong(path, f"can't be read: {error.strerror}.", "Check its rights.")
            return None
        self.digests.append(f"{path.relative_to(self.folder)}:{hashlib.sha256(data).hexdigest()}")
        if b"\0" in data[:8192]:
            self.wrong(path, "is no text file.", "Save it as UTF-8 text, or remove it from the corpus.")
            return None
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                return data.decode(encoding).replace("\r\n", "\n")
            except UnicodeDecodeError:
                continue
        self.wrong(path, "is neither UTF-8 nor GB18030 text.", "Save it as UTF-8.")
        return None

    def yaml(self, path: Path, text: str | None = None, first_line: int = 0) -> Any:
        """Parsed YAML, or None with a problem that names the line."""
        if text is None:
            text = self.text(path)
        if text is None:
            return None
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f" at line {mark.line + 1 + first_line}" if mark else ""
            self.wrong(path, f"is broken YAML{line}: {getattr(error, 'problem', error)}.", "Mend that line.")
        except (ValueError, RecursionError) as error:
            self.wrong(path, f"is broken YAML: {error}.", "Mend it.")
        return None

    def add(self, path: Path, found: Iterable[Passage]) -> None:
        for passage in found:
            if passage.id in self.passages:
                self.wrong(path, f"repeats the id {passage.id}.", "Give each document and card its own id.")
            else:
                self.passages[passage.id] = passage

    def document(self, path: Path) -> None:
        """One Markdown or text file."""
        text = self.text(path)
        if text is None:
            return
        front: Any = {}
        match = re.match(r"---\n(.*?)\n---\n?(.*)$", text, re.DOTALL)
        if match:
            front, text = self.yaml(path, match.group(1), 1), match.group(2)
            if front is None:
                return
        elif text.startswith("---\n"):
            self.wrong(path, "has front matter without an end.", "Close it with a line of ---.")
            return
        try:
            facts = _Front.model_validate(front or {})
        except ValidationError as error:
            self.wrong(path, f"has wrong front matter: {_first(error)}.", "Mend that field.")
            return
        if not facts.index:
            return
        if facts.valid_from and facts.valid_until and facts.valid_until < facts.valid_from:
            self.wrong(path, "has valid_until before valid_from.", "Mend the dates.")
            return
        if not text.strip():
            self.wrong(path, "is empty.", "Add text, or remove the file.")
            return
        heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
        document = Document(
            id=facts.id or path.stem.replace(" ", "-"),
            title=facts.title or (heading.group(1).strip() if heading else path.stem),
            kind="policy" if facts.kind not in ("note", "cards") else facts.kind,  # type: ignore[arg-type]
            number=facts.number,
            issuer=facts.issuer,
            issued=facts.issued,
            source=facts.source,
            owner=facts.owner,
            valid_from=facts.valid_from,
            valid_until=facts.valid_until,
            sample=facts.sample,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
        found, chapters, articles = split(document, text)
        self.documents.append(document.model_copy(update={"chapters": chapters, "articles": articles}))
        self.add(path, found)

    def cards(self, path: Path) -> None:
        """One file of service cards; a broken card does not spoil the others' messages."""
        data = self.yaml(path)
        if data is None:
            return
        try:
            file = _Cards.model_validate(data)
        except ValidationError as error:
            self.wrong(path, f"is no file of cards: {_first(error)}.", "It needs id, title and cards.")
            return
        document = Document(id=file.id, title=file.title, kind="cards", digest=hashlib.sha256(repr(data).encode()).hexdigest())
        cards = []
        for number, raw in enumerate(file.cards, 1):
            try:
                cards.append(Card.model_validate(raw))
            except ValidationError as error:
                name = raw.get("name") or raw.get("id") or f"number {number}"
                self.wrong(path, f"card {name}: {_first(error)}.", "Mend that field.")
        sample = bool(cards) and all(card.sample for card in cards)
        self.documents.append(document.model_copy(update={"sample": sample}))
        for card in cards:
            self.add(path, card_passages(document, card))

    def sidecar(self, path: Path) -> None:
        """Phrasings or translations of passages."""
        data = self.yaml(path)
        if data is None:
            return
        for entry in data if isinstance(data, list) else [None]:
            if not isinstance(entry, dict) or "passage" not in entry:
                self.wrong(path, "has an entry without a passage.", "Each entry is {passage: id, …}.")
                continue
            passage = self.passages.get(str(entry["passage"]))
            if passage is None:
                self.wrong(path, f"names the unknown passage {entry['passage']}.", "Correct the id or remove it.")
            elif path.name == "phrasings.yaml":
                more = tuple(str(q).strip() for q in entry.get("questions") or () if str(q).strip())
                self.passages[passage.id] = passage.model_copy(update={"phrasings": (*passage.phrasings, *more)})
            else:
                self.passages[passage.id] = passage.model_copy(update={"english": str(entry.get("text") or "") or None})

    def referrals(self, path: Path) -> tuple[Referral, ...]:
        data = self.yaml(path) if path.exists() else None
        out = []
        for entry in data or ():
            try:
                out.append(Referral.model_validate(_strings(entry)))
            except (ValidationError, TypeError) as error:
                self.wrong(path, f"has a wrong entry: {_first(error)}.", "It needs topic and phrasings.")
        return tuple(out)

    def synonyms(self, path: Path) -> tuple[tuple[str, ...], ...]:
        data = self.yaml(path) if path.exists() else None
        return tuple(tuple(str(word) for word in group) for group in data or () if isinstance(group, list) and group)


def load_corpus(folder: Path, strict: bool = False) -> LoadResult:
    """Read everything below ``folder``. With ``strict``, any problem raises KnowledgeError naming all."""
    if not folder.is_dir():
        raise KnowledgeError(f"There is no corpus folder {folder}.", "Set JIAMENKOU_CORPUS_FOLDER.")
    reader = _Reader(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    for path in files:
        if path.suffix.lower() in (".md", ".txt"):
            reader.document(path)
        elif path.parent.name == "cards" and path.suffix in (".yaml", ".yml"):
            reader.cards(path)
    for path in files:
        if path.name in SIDECARS:
            reader.sidecar(path)
    referrals = reader.referrals(folder / "referrals.yaml")
    synonyms = reader.synonyms(folder / "synonyms.yaml")
    for name in ("departments.yaml", "departments_english.yaml"):
        if (folder / name).exists():
            reader.yaml(folder / name)
    problems = tuple(reader.problems)
    if strict and problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise KnowledgeError(
            f"The corpus has {len(problems)} problem(s), so nothing was published:\n{listed}\n",
            "Mend them and publish again. The old release goes on answering.",
        )
    digest = hashlib.sha256("\n".join(sorted(reader.digests)).encode()).hexdigest()
    return LoadResult(
        Corpus(
            documents=tuple(reader.documents),
            passages=tuple(reader.passages.values()),
            referrals=referrals,
            synonyms=synonyms,
            digest=digest,
        ),
        problems,
    )


def _strings(entry: dict[str, Any]) -> dict[str, Any]:
    """YAML reads 12345 as a number; a hotline is a name."""
    return {**entry, "hotline": str(entry.get("hotline", "12345")), "phrasings": tuple(str(p) for p in entry.get("phrasings") or ())}


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return str(error)
