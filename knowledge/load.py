"""Read the corpus folder: documents, cards and their sidecars, validated; every problem is named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.contracts import Corpus, Document, Passage, Referral
from assistant.errors import KnowledgeError
from knowledge.cards import Card, CardFile, card_passages
from knowledge.departments import ALIASES, ENGLISH, name_problems
from knowledge.files import Files, Problem, first_error, line_of
from knowledge.passages import document_passages

DOCUMENTS = (".md", ".txt")
PHRASINGS, TRANSLATIONS = "phrasings.yaml", "english.yaml"
REFERRALS, SYNONYMS = "referrals.yaml", "synonyms.yaml"


@dataclass(frozen=True)
class LoadResult:
    """A corpus and the problems found on the way; what is broken is left out."""

    corpus: Corpus
    problems: tuple[Problem, ...]


class _Front(BaseModel):
    """Front matter of a document; all of it may be left out of a plain note."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field("", pattern=r"^[A-Za-z0-9._-]*$")
    title: str = ""
    kind: Literal["policy", "note"] = "policy"
    number: str = ""
    issuer: str = ""
    drafted_by: str = ""
    issued: date | None = None
    signed: date | None = None
    source: str = ""
    owner: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    language: str = ""
    sample: bool = False
    index: bool = True  # false: kept beside the corpus, never answered from


@dataclass
class _Reader:
    files: Files
    documents: dict[str, Document] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)

    def document(self, path: Path) -> None:
        """One Markdown or text file."""
        text = self.files.text(path)
        if text is None:
            return
        front, body = self._front(path, text)
        if front is None or not front.index:
            return
        if not body.strip():
            self.files.wrong(path, "is empty.", "Add text, or remove the file.")
            return
        heading = re.search(r"^#\s+(.+)$", body, re.MULTILINE)
        document = Document(
            id=front.id or re.sub(r"[\s#]+", "-", path.stem),
            title=front.title or (heading.group(1).strip() if heading else path.stem),
            kind=front.kind,
            **front.model_dump(
                include={
                    "number",
                    "issuer",
                    "issued",
                    "source",
                    "owner",
                    "valid_from",
                    "valid_until",
                    "sample",
                }
            ),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
        found, chapters, articles = document_passages(document, body)
        self._add(path, document.model_copy(update={"chapters": chapters, "articles": articles}), found)

    def _front(self, path: Path, text: str) -> tuple[_Front | None, str]:
        """Front matter and the text below it; without any, a note. None with a problem noted."""
        if not re.match(r"---[ \t]*\n", text):
            return _Front(kind="note"), text
        match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)(.*)", text, re.DOTALL | re.MULTILINE)
        if match is None:
            self.files.wrong(path, "has front matter without an end.", "Close it with a line of ---.", 1)
            return None, text
        data = self.files.yaml(path, match.group(1), 1)
        if data is None:
            return None, text
        try:
            front = _Front.model_validate(data)
        except ValidationError as error:
            where, message = first_error(error)
            line = line_of(text, rf"^{re.escape(where)}\s*:") if where else 1
            self.files.wrong(path, f"has wrong front matter: {message}.", "Mend that field.", line)
            return None, text
        if front.valid_from and front.valid_until and front.valid_until < front.valid_from:
            line = line_of(text, r"^valid_until")
            self.files.wrong(path, "has valid_until before valid_from.", "Mend the dates.", line)
            return None, text
        return front, match.group(2)

    def cards(self, path: Path) -> None:
        """One file of service cards; a broken card is left out and does not hide the others' problems."""
        text = self.files.text(path)
        data = None if text is None else self.files.yaml(path, text)
        if text is None or data is None:
            return
        try:
            file = CardFile.model_validate(data)
        except ValidationError as error:
            what = f"is no file of cards: {first_error(error)[1]}."
            self.files.wrong(path, what, "It needs id, title and cards.", 1)
            return
        cards: dict[str, Card] = {}
        for number, raw in enumerate(file.cards, 1):
            id_ = str(raw.get("id", ""))
            name = f"card {raw.get('name') or id_ or f'number {number}'}"
            line = line_of(text, rf"^\s*-?\s*id:\s*[\"']?{re.escape(id_)}[\"']?\s*$")
            try:
                card = Card.model_validate(raw)
            except ValidationError as error:
                self.files.wrong(path, f"{name}: {first_error(error)[1]}.", "Mend that field.", line)
                continue
            if card.id in cards:
                self.files.wrong(path, f"{name} repeats the id {card.id}.", "Give each card its own id.", line)
            cards.setdefault(card.id, card)
        document = Document(
            id=file.id,
            title=file.title,
            kind="cards",
            sample=bool(cards) and all(card.sample for card in cards.values()),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
        self._add(path, document, [p for card in cards.values() for p in card_passages(document, card)])

    def _add(self, path: Path, document: Document, found: Iterable[Passage]) -> None:
        if document.id in self.documents:
            what = f"repeats the document id {document.id}."
            self.files.wrong(path, what, "Give each document its own id.", 1)
            return
        self.documents[document.id] = document
        self.passages |= {passage.id: passage for passage in found}

    def sidecar(self, path: Path, key: str) -> None:
        """Phrasings (``key`` questions) or translations (``key`` text) of passages."""
        text = self.files.text(path)
        data = None if text is None else self.files.yaml(path, text)
        if text is None or data is None:
            return
        for entry in data if isinstance(data, list) else [data]:
            id_ = str(entry.get("passage", "")) if isinstance(entry, dict) else ""
            if not id_ or key not in entry:
                what = f"has an entry without {'a passage' if not id_ else key}: {str(entry)[:60]}."
                self.files.wrong(path, what, f"Each entry has passage and {key}.")
                continue
            line = line_of(text, rf"passage:\s*[\"']?{re.escape(id_)}[\"']?\s*$")
            passage = self.passages.get(id_)
            if passage is None:
                what = f"names the unknown passage {id_}."
                self.files.wrong(path, what, "Correct the id, or remove the entry.", line)
                continue
            change = self._change(passage, entry[key])
            if change is None:
                self.files.wrong(path, f"has a wrong {key} for {id_}.", "See the entries around it.", line)
            else:
                self.passages[id_] = passage.model_copy(update=change)

    @staticmethod
    def _change(passage: Passage, value: object) -> dict[str, object] | None:
        if isinstance(value, str) and value.strip():
            return {"english": value.strip()}
        if not isinstance(value, list) or not all(str(each or "").strip() for each in value):
            return None
        more = (str(each).strip() for each in value)
        return {"phrasings": tuple(dict.fromkeys((*passage.phrasings, *more)))}

    def referrals(self, path: Path) -> tuple[Referral, ...]:
        """Topics that the documents don't cover; each sends to a hotline that has a card."""
        known = {p.id.rpartition("#")[2] for p in self.passages.values() if p.kind == "card"}
        out: list[Referral] = []
        for entry in self._list(path):
            try:
                # YAML reads 12345 as a number; a hotline is a name.
                referral = Referral.model_validate({**entry, "hotline": str(entry.get("hotline", "12345"))})
            except (ValidationError, TypeError, AttributeError) as error:
                message = first_error(error)[1] if isinstance(error, ValidationError) else str(error)
                what = f"has a wrong entry {str(entry)[:60]}: {message}."
                self.files.wrong(path, what, "It needs topic and phrasings.")
                continue
            if referral.hotline and referral.hotline not in known:
                what = f"sends {referral.topic} to {referral.hotline}, which has no card."
                self.files.wrong(path, what, "Add the card or correct the number.")
            out.append(referral)
        return tuple(out)

    def synonyms(self, path: Path) -> tuple[tuple[str, ...], ...]:
        """Groups of words that mean the same."""
        out: list[tuple[str, ...]] = []
        for group in self._list(path):
            if isinstance(group, list) and len(group) > 1 and all(isinstance(word, str) for word in group):
                out.append(tuple(group))
            else:
                self.files.wrong(path, f"has a wrong group: {str(group)[:60]}.", "A group lists at least two words.")
        return tuple(out)

    def departments(self, path: Path) -> None:
        """Names of departments: only checked here, for they are read where questions are understood."""
        data = self.files.yaml(path)
        for what in name_problems(data) if data is not None and path.name == ALIASES else ():
            self.files.wrong(path, what, "Each department has a list of its other names.")

    def _list(self, path: Path) -> list[Any]:
        data = self.files.yaml(path) if path.exists() else []
        if isinstance(data, list):
            return data
        if data is not None:
            self.files.wrong(path, "is no list.", "Start each entry with a dash.", 1)
        return []


def load_corpus(folder: Path, strict: bool = False) -> LoadResult:
    """Read everything below ``folder``: documents first, then cards, then what belongs to their passages.

    Broken files and cards are left out and named in ``problems``. With ``strict``, any problem raises
    KnowledgeError naming all of them. Raises KnowledgeError when there is no such folder.
    """
    if not folder.is_dir():
        raise KnowledgeError(f"There is no corpus folder {folder}.", "Set JIAMENKOU_CORPUS_FOLDER.")
    reader = _Reader(Files(folder))
    sidecars: list[tuple[Path, str]] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in name.parts):
            continue
        if path.suffix.lower() in DOCUMENTS:
            reader.document(path)
        elif path.name in (PHRASINGS, TRANSLATIONS):
            sidecars.append((path, "questions" if path.name == PHRASINGS else "text"))
        elif path.parent.name == "cards" and path.suffix.lower() in (".yaml", ".yml"):
            reader.cards(path)
        elif name.as_posix() in (ALIASES, ENGLISH):
            reader.departments(path)
        elif name.as_posix() not in (REFERRALS, SYNONYMS):
            reader.files.wrong(path, "is not read.", "Save documents as .md or .txt, cards as cards/*.yaml.")
    for path, key in sidecars:
        reader.sidecar(path, key)
    corpus = Corpus(
        documents=tuple(reader.documents.values()),
        passages=tuple(reader.passages.values()),
        referrals=reader.referrals(folder / REFERRALS),
        synonyms=reader.synonyms(folder / SYNONYMS),
        digest=reader.files.digest(),
    )
    problems = tuple(reader.files.problems)
    if strict and problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise KnowledgeError(
            f"The corpus has {len(problems)} problem(s), so nothing was published:\n{listed}\n",
            "Mend them and publish again. The old release goes on answering.",
        )
    return LoadResult(corpus, problems)
