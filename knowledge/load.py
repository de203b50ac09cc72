"""Read a tree of content: documents, cards and their sidecars, validated; every problem is named.

What an earlier release has already built is told by its key and not read again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.contracts import Corpus, Document, Passage, Referral, SavedQuestion
from assistant.errors import KnowledgeError
from knowledge.cards import Card, CardFile, card_passages
from knowledge.content import FolderTree, Tree
from knowledge.departments import ALIASES, ENGLISH, english_table, name_problems, name_table
from knowledge.files import Files, Problem, first_error, line_of
from knowledge.passages import document_passages

DOCUMENTS = (".md", ".txt")
PHRASINGS, TRANSLATIONS = "phrasings.yaml", "english.yaml"
REFERRALS, SYNONYMS, QUESTIONS = "referrals.yaml", "synonyms.yaml", "questions.yaml"
# Code that turns a file into passages: after a change of it every document is read anew.
_CODE = ("articles", "cards", "departments", "facts", "files", "load", "passages", "sentences", "targets")


@dataclass(frozen=True)
class LoadResult:
    """A corpus and the problems found on the way; what is broken is left out."""

    corpus: Corpus
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Known:
    """A document that an earlier release has built: its keys, and what others refer to."""

    key: str
    base: str
    document: Document
    cards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """One document of a tree; ``passages`` is None when it is known by its ``key``."""

    key: str
    base: str
    name: str
    document: Document
    passages: tuple[Passage, ...] | None
    cards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """All of a tree: its documents in order, and a corpus that holds everything else."""

    documents: tuple[Loaded, ...]
    words: Corpus  # no documents or passages; the digest of the whole
    problems: tuple[Problem, ...]

    def raise_problems(self) -> None:
        """Raise KnowledgeError naming all problems, if there are any."""
        if self.problems:
            listed = "\n".join(f"  {problem}" for problem in self.problems)
            raise KnowledgeError(
                f"The corpus has {len(self.problems)} problem(s), so nothing was published:\n{listed}\n",
                "Mend them and publish again. The old release goes on answering.",
            )


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
    known: Mapping[str, Known] = field(default_factory=dict)  # by base
    mentions: MutableMapping[str, list[str]] = field(default_factory=dict)  # sidecar's digest to the documents it names
    loaded: dict[str, Loaded] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    sidecars: list[tuple[str, str]] = field(default_factory=list)
    _by_document: dict[str, list[str]] = field(default_factory=dict)
    _sidecar_data: dict[str, tuple[str, list[Any]]] = field(default_factory=dict)

    def find_sidecars(self, sidecars: list[tuple[str, str]]) -> None:
        """Learn which documents each sidecar (name, key) speaks of."""
        self.sidecars = sidecars
        for name, _ in sidecars:
            digest = self.files.tree.files[name]
            if digest not in self.mentions:
                entries = self._entries(name)[1]
                ids = [str(e.get("passage", "")) for e in entries if isinstance(e, dict)]
                self.mentions[digest] = list(dict.fromkeys(document_of(id_) for id_ in ids))
            for doc in self.mentions[digest]:
                self._by_document.setdefault(doc, []).append(digest)

    def _entries(self, name: str) -> tuple[str, list[Any]]:
        """Text and entries of a sidecar, read once."""
        if name not in self._sidecar_data:
            text = self.files.text(name)
            data = None if text is None else self.files.yaml(name, text)
            entries = [] if data is None else data if isinstance(data, list) else [data]
            self._sidecar_data[name] = (text or "", entries)
        return self._sidecar_data[name]

    def file(self, name: str, cards: bool) -> None:
        """One document or file of cards, unless it is known."""
        base = _key(reader(), name, self.files.tree.files[name])
        known = self.known.get(base)
        if known is not None and known.key == self._key(base, known.document.id):
            if self._is_new(name, known.document.id):
                self.loaded[known.document.id] = Loaded(known.key, base, name, known.document, None, known.cards)
        elif cards:
            self.card_file(name, base)
        else:
            self.document(name, base)

    def _key(self, base: str, doc: str) -> str:
        return _key(base, *self._by_document.get(doc, ()))

    def document(self, name: str, base: str) -> None:
        """One Markdown or text file."""
        text = self.files.text(name)
        if text is None:
            return
        front, body = self._front(name, text)
        if front is None or not front.index:
            return
        if not body.strip():
            self.files.wrong(name, "is empty.", "Add text, or remove the file.")
            return
        heading = re.search(r"^#\s+(.+)$", body, re.MULTILINE)
        stem = PurePosixPath(name).stem
        document = Document(
            id=front.id or re.sub(r"[\s#]+", "-", stem),
            title=front.title or (heading.group(1).strip() if heading else stem),
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
        self._add(name, base, document.model_copy(update={"chapters": chapters, "articles": articles}), found)

    def _front(self, name: str, text: str) -> tuple[_Front | None, str]:
        """Front matter and the text below it; without any, a note. None with a problem noted."""
        if not re.match(r"---[ \t]*\n", text):
            return _Front(kind="note"), text
        match = re.match(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)(.*)", text, re.DOTALL | re.MULTILINE)
        if match is None:
            self.files.wrong(name, "has front matter without an end.", "Close it with a line of ---.", 1)
            return None, text
        data = self.files.yaml(name, match.group(1), 1)
        if data is None:
            return None, text
        try:
            front = _Front.model_validate(data)
        except ValidationError as error:
            where, message = first_error(error)
            line = line_of(text, rf"^{re.escape(where)}\s*:") if where else 1
            self.files.wrong(name, f"has wrong front matter: {message}.", "Mend that field.", line)
            return None, text
        if front.valid_from and front.valid_until and front.valid_until < front.valid_from:
            line = line_of(text, r"^valid_until")
            self.files.wrong(name, "has valid_until before valid_from.", "Mend the dates.", line)
            return None, text
        return front, match.group(2)

    def card_file(self, name: str, base: str) -> None:
        """One file of service cards; a broken card is left out and does not hide the others' problems."""
        text = self.files.text(name)
        data = None if text is None else self.files.yaml(name, text)
        if text is None or data is None:
            return
        try:
            file = CardFile.model_validate(data)
        except ValidationError as error:
            what = f"is no file of cards: {first_error(error)[1]}."
            self.files.wrong(name, what, "It needs id, title and cards.", 1)
            return
        cards: dict[str, Card] = {}
        for number, raw in enumerate(file.cards, 1):
            id_ = str(raw.get("id", ""))
            card_name = f"card {raw.get('name') or id_ or f'number {number}'}"
            line = line_of(text, rf"^\s*-?\s*id:\s*[\"']?{re.escape(id_)}[\"']?\s*$")
            try:
                card = Card.model_validate(raw)
            except ValidationError as error:
                self.files.wrong(name, f"{card_name}: {first_error(error)[1]}.", "Mend that field.", line)
                continue
            if card.id in cards:
                self.files.wrong(name, f"{card_name} repeats the id {card.id}.", "Give each card its own id.", line)
            cards.setdefault(card.id, card)
        document = Document(
            id=file.id,
            title=file.title,
            kind="cards",
            sample=bool(cards) and all(card.sample for card in cards.values()),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
        found = [p for card in cards.values() for p in card_passages(document, card)]
        self._add(name, base, document, found, tuple(cards))

    def _is_new(self, name: str, doc: str) -> bool:
        if doc in self.loaded:
            self.files.wrong(name, f"repeats the document id {doc}.", "Give each document its own id.", 1)
            return False
        return True

    def _add(
        self, name: str, base: str, document: Document, found: Iterable[Passage], cards: tuple[str, ...] = ()
    ) -> None:
        if self._is_new(name, document.id):
            key = self._key(base, document.id)
            self.loaded[document.id] = Loaded(key, base, name, document, (), cards)
            self.passages |= {passage.id: passage for passage in found}

    def read_sidecars(self) -> None:
        """Give what sidecars say to the passages of documents that were read anew."""
        for name, key in self.sidecars:
            named = self.mentions[self.files.tree.files[name]]
            known = {doc for doc in named if doc in self.loaded and self.loaded[doc].passages is None}
            if name in self._sidecar_data or known != set(named):
                self.sidecar(name, key, known)

    def sidecar(self, name: str, key: str, known: Iterable[str] = ()) -> None:
        """Phrasings (``key`` questions) or translations (``key`` text) of passages; ``known`` documents have theirs."""
        text, entries = self._entries(name)
        for entry in entries:
            id_ = str(entry.get("passage", "")) if isinstance(entry, dict) else ""
            if not id_ or key not in entry:
                what = f"has an entry without {'a passage' if not id_ else key}: {str(entry)[:60]}."
                self.files.wrong(name, what, f"Each entry has passage and {key}.")
                continue
            if document_of(id_) in known:
                continue
            passage = self.passages.get(id_)
            change = None if passage is None else self._change(passage, entry[key])
            if passage is not None and change is not None:
                self.passages[id_] = passage.model_copy(update=change)
                continue
            line = line_of(text, rf"passage:\s*[\"']?{re.escape(id_)}[\"']?\s*$")
            if passage is None:
                what = f"names the unknown passage {id_}."
                self.files.wrong(name, what, "Correct the id, or remove the entry.", line)
            else:
                self.files.wrong(name, f"has a wrong {key} for {id_}.", "See the entries around it.", line)

    @staticmethod
    def _change(passage: Passage, value: object) -> dict[str, object] | None:
        if isinstance(value, str) and value.strip():
            return {"english": value.strip()}
        if not isinstance(value, list) or not all(str(each or "").strip() for each in value):
            return None
        more = (str(each).strip() for each in value)
        return {"phrasings": tuple(dict.fromkeys((*passage.phrasings, *more)))}

    def referrals(self, name: str) -> tuple[Referral, ...]:
        """Topics that the documents don't cover; each sends to a hotline that has a card."""
        known = {card for loaded in self.loaded.values() for card in loaded.cards}
        out: list[Referral] = []
        for entry in self._list(name):
            try:
                # YAML reads 12345 as a number; a hotline is a name.
                referral = Referral.model_validate({**entry, "hotline": str(entry.get("hotline", "12345"))})
            except (ValidationError, TypeError, AttributeError) as error:
                message = first_error(error)[1] if isinstance(error, ValidationError) else str(error)
                what = f"has a wrong entry {str(entry)[:60]}: {message}."
                self.files.wrong(name, what, "It needs topic and phrasings.")
                continue
            if referral.hotline and referral.hotline not in known:
                what = f"sends {referral.topic} to {referral.hotline}, which has no card."
                self.files.wrong(name, what, "Add the card or correct the number.")
            out.append(referral)
        return tuple(out)

    def synonyms(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Groups of words that mean the same."""
        out: list[tuple[str, ...]] = []
        for group in self._list(name):
            if isinstance(group, list) and len(group) > 1 and all(isinstance(word, str) for word in group):
                out.append(tuple(group))
            else:
                self.files.wrong(name, f"has a wrong group: {str(group)[:60]}.", "A group lists at least two words.")
        return tuple(out)

    def questions(self, name: str) -> tuple[SavedQuestion, ...]:
        """What is asked of every release before it is published."""
        out: list[SavedQuestion] = []
        for entry in self._list(name):
            try:
                out.append(SavedQuestion.model_validate(entry))
            except ValidationError as error:
                what = f"has a wrong question {str(entry)[:60]}: {first_error(error)[1]}."
                self.files.wrong(name, what, "It needs question, and what the answer must be: see docs/publishing.md.")
        return tuple(out)

    def table(self, name: str) -> dict[str, Any]:
        """A table of departments: their other names, or their English ones."""
        if name not in self.files.tree.files:
            return {}
        data = self.files.yaml(name)
        if data is None:
            return {}
        problems = (
            name_problems(data) if name == ALIASES else [] if isinstance(data, dict) else ["is no table of names."]
        )
        for what in problems:
            self.files.wrong(name, what, "Each department has a list of its other names.")
        return data if isinstance(data, dict) else {}

    def _list(self, name: str) -> list[Any]:
        data = self.files.yaml(name) if name in self.files.tree.files else []
        if isinstance(data, list):
            return data
        if data is not None:
            self.files.wrong(name, "is no list.", "Start each entry with a dash.", 1)
        return []


def document_of(passage_id: str) -> str:
    """The document that a passage's id belongs to."""
    return passage_id.partition("#")[0]


def read_tree(
    tree: Tree, known: Mapping[str, Known] | None = None, mentions: MutableMapping[str, list[str]] | None = None
) -> Reading:
    """Read all of ``tree``: documents and cards in the order of their names, then what belongs to their passages.

    ``known`` documents (by base) are not read again. ``mentions`` remembers what sidecars speak of. Broken files
    and cards are left out and named in ``problems``.
    """
    reader = _Reader(Files(tree), known or {}, {} if mentions is None else mentions)
    documents: list[tuple[str, bool]] = []
    sidecars: list[tuple[str, str]] = []
    for name in sorted(tree.files, key=lambda name: name.split("/")):
        path = PurePosixPath(name)
        if path.suffix.lower() in DOCUMENTS:
            documents.append((name, False))
        elif path.name in (PHRASINGS, TRANSLATIONS):
            sidecars.append((name, "questions" if path.name == PHRASINGS else "text"))
        elif path.parent.name == "cards" and path.suffix.lower() in (".yaml", ".yml"):
            documents.append((name, True))
        elif name not in (ALIASES, ENGLISH, REFERRALS, SYNONYMS, QUESTIONS):
            reader.files.wrong(name, "is not read.", "Save documents as .md or .txt, cards as cards/*.yaml.")
    reader.find_sidecars(sidecars)
    for name, cards in documents:
        reader.file(name, cards)
    reader.read_sidecars()
    words = Corpus(
        documents=(),
        passages=(),
        referrals=reader.referrals(REFERRALS),
        synonyms=reader.synonyms(SYNONYMS),
        department_names=name_table(reader.table(ALIASES)),
        department_english=english_table(reader.table(ENGLISH)),
        questions=reader.questions(QUESTIONS),
        digest=tree_digest(tree),
    )
    return Reading(tuple(_whole(reader)), words, tuple(reader.files.problems))


def _whole(reader: _Reader) -> Iterator[Loaded]:
    passages: dict[str, list[Passage]] = {}
    for passage in reader.passages.values():
        passages.setdefault(passage.doc, []).append(passage)
    for loaded in reader.loaded.values():
        if loaded.passages is None:
            yield loaded
        else:
            found = tuple(passages.get(loaded.document.id, ()))
            yield Loaded(loaded.key, loaded.base, loaded.name, loaded.document, found, loaded.cards)


def tree_digest(tree: Tree) -> str:
    """sha256 over the names and the contents of all files."""
    lines = sorted(f"{name}:{digest}" for name, digest in tree.files.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def reader() -> str:
    """Identity of the code that reads."""
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / f"{name}.py").read_bytes() for name in _CODE)).hexdigest()[:16]


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def load_corpus(folder: Path, strict: bool = False) -> LoadResult:
    """Read everything below ``folder``.

    Broken files and cards are left out and named in ``problems``. With ``strict``, any problem raises
    KnowledgeError naming all of them. Raises KnowledgeError when there is no such folder.
    """
    reading = read_tree(folder_tree(folder))
    if strict:
        reading.raise_problems()
    return LoadResult(corpus_of(reading), reading.problems)


def folder_tree(folder: Path) -> FolderTree:
    """What lies in a corpus folder; raises KnowledgeError when there is none."""
    if not folder.is_dir():
        raise KnowledgeError(f"There is no corpus folder {folder}.", "Set JIAMENKOU_CORPUS_FOLDER.")
    return FolderTree(folder)


def corpus_of(reading: Reading) -> Corpus:
    """A reading of which nothing was known, as one value."""
    return reading.words.model_copy(
        update={
            "documents": tuple(loaded.document for loaded in reading.documents),
            "passages": tuple(p for loaded in reading.documents for p in loaded.passages or ()),
        }
    )
