"""Typed values and Protocols that every stage shares; imports nothing of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A value: compared by content, never changed after it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Language(StrEnum):
    """Languages that answers are given in."""

    CHINESE = "zh"
    ENGLISH = "en"


# Characters above which a question is a story, whose end asks.
STORY = {Language.CHINESE: 45, Language.ENGLISH: 160}


class FactKind(StrEnum):
    """The kind of fact that a question asks for and that evidence may hold."""

    QUANTITY = "quantity"  # how many, how much (not money)
    PRICE = "price"  # a fee, a fine, a subsidy in money
    PHONE = "phone"
    DATE = "date"  # a day, a deadline, a year
    HOURS = "hours"  # opening hours
    ADDRESS = "address"
    DEPARTMENT = "department"
    PROCEDURE = "procedure"  # how to apply, what to bring
    ELIGIBILITY = "eligibility"  # who may, under which conditions
    RECOMMENDATION = "recommendation"  # which one is best
    GENERAL = "general"  # what, whether, why


# --- knowledge -----------------------------------------------------------------------


class Target(Frozen):
    """One measurable target, as typed values.

    ``quantity`` is a plain number in ``unit`` (17.8万张 is 178000 and 张; 85% is 85 and %).
    ``text`` is the exact clause of the passage that states it.
    """

    subject: str
    quantity: float
    unit: str
    qualifier: str = ""  # 以上, 左右, 不少于, 不低于, 至少 …
    deadline: str = ""  # as written: 2025年, 2025年底, “十四五”期间
    deadline_year: int | None = None  # the last year that the deadline allows
    text: str


class Passage(Frozen):
    """The smallest thing that is indexed and cited.

    ``text`` is quoted exactly as published. ``sentence`` passages point to their article by
    ``parent``; ``article`` and ``card`` passages have none.
    """

    id: str
    kind: Literal["article", "sentence", "card", "field", "about"]
    doc: str  # document id, e.g. "plan-2022-23"
    title: str  # document title, or a card's name
    path: tuple[str, ...] = ()  # document › chapter › article
    article: int | None = None
    order: int = 0  # position among its siblings, from 0
    parent: str | None = None
    field: str | None = None  # a card's field: phone, hours, fee …
    values: tuple[str, ...] = ()  # a card field's own value or values, without the sentence around them
    english_values: tuple[str, ...] = ()
    text: str
    departments: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    fact_kinds: tuple[FactKind, ...] = ()
    phrasings: tuple[str, ...] = ()  # questions, as residents ask them, that this answers
    english: str | None = None  # reviewed translation of ``text``
    source: str = ""
    owner: str = ""
    valid_from: date | None = None
    valid_until: date | None = None  # last day on which it may be used
    sample: bool = False  # invented for demonstration; says 示例 wherever it shows
    gives_orders: bool = False  # addresses the model: kept as data, never spoken

    def valid_on(self, day: date) -> bool:
        """Whether this may be used in an answer on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


class Document(Frozen):
    """What a release knows of one document as a whole."""

    id: str
    title: str
    kind: Literal["policy", "cards", "note"] = "policy"
    number: str = ""  # 沪府办发〔2022〕23号
    issuer: str = ""
    issued: date | None = None
    source: str = ""
    owner: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    sample: bool = False
    chapters: int = 0
    articles: int = 0
    digest: str = ""  # sha256 of the file


class Referral(Frozen):
    """A topic that the documents don't cover, and whom to ask instead."""

    topic: str
    phrasings: tuple[str, ...] = ()
    hotline: str = "12345"  # number of a hotline card
    off_topic: bool = False  # chit-chat, general knowledge: not a public service at all


class SavedQuestion(Frozen):
    """A question that is asked of old and new knowledge before publishing, and what its answer must be."""

    question: str = Field(min_length=1)
    document: str = ""  # id of a document that the answer must cite
    article: int | None = None  # and the number of the article
    contains: tuple[str, ...] = ()  # words that must stand in the answer
    refused: bool | None = None  # whether it must be refused; nothing said and nothing else expected: either


class Corpus(Frozen):
    """All knowledge of one release, validated."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    referrals: tuple[Referral, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()  # groups of words residents and documents use
    department_names: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # other names of each department
    department_english: dict[str, str] = Field(default_factory=dict)
    questions: tuple[SavedQuestion, ...] = ()
    digest: str = ""  # sha256 over all input files


# --- one turn ------------------------------------------------------------------------


class Exchange(Frozen):
    """One finished question and what was answered, as memory keeps it."""

    question: str
    resolved: str
    answer: str
    refused: bool = False
    kind: FactKind = FactKind.GENERAL
    passage_ids: tuple[str, ...] = ()
    article: int | None = None
    turn_id: int = 0


class Question(Frozen):
    """A cleaned question, resolved against the conversation."""

    text: str  # as asked, cleaned, simplified
    resolved: str  # stands alone: follow-ups are completed from memory
    language: Language = Language.CHINESE
    kinds: tuple[FactKind, ...] = (FactKind.GENERAL,)
    years: tuple[int, ...] = ()  # years named in the question
    places: tuple[str, ...] = ()  # places named that the documents may not cover
    departments: tuple[str, ...] = ()  # departments named
    article: int | None = None  # article named by number
    chapter: int | None = None  # chapter named by number
    yes_no: bool = False  # asks whether
    more: bool = False  # wants what was not said yet
    focus: str | None = None  # passage id that a follow-up stays with
    follow_up: bool = False
    bare: bool = False  # asks about nothing that was named: 多少钱？ with no conversation before it
    asks_sample: bool = False  # names the sample community


class Candidate(Frozen):
    """A passage that may answer, with the scores that brought it here."""

    passage: Passage
    score: float  # fused, larger is better
    dense: float = 0.0  # cosine of the sentence, 0 to 1
    article_dense: float = 0.0
    phrasing: float = 0.0  # cosine to the nearest known phrasing
    lexical: float = 0.0  # BM25, scaled to the best possible for this question
    pinyin: float = 0.0
    coverage: float = 0.0  # share of the question's content found in the evidence
    span: str = ""  # the run of clauses nearest to the question, exact words of the passage


class Evidence(Frozen):
    """What retrieval found: candidates best first, and the nearest uncovered topic."""

    candidates: tuple[Candidate, ...] = ()
    referral: Referral | None = None
    referral_score: float = 0.0


class Decision(Frozen):
    """The evidence gate's verdict."""

    action: Literal["answer", "ask_back", "unknown"]
    confidence: float  # 0 to 1, calibrated
    reason: str  # machine word: covered, off_topic, no_price, other_city …
    margin: float = 1.0  # lead of the best sentence over the next
    candidates: tuple[Candidate, ...] = ()  # what the answer may stand on


class Citation(Frozen):
    """Where an answer stands: the exact words of one passage."""

    doc: str
    article: int | None
    quote: str
    passage_id: str
    title: str = ""
    path: tuple[str, ...] = ()
    sample: bool = False


class Answer(Frozen):
    """What is shown and spoken."""

    text: str
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    emergency: bool = False
    language: Language = Language.CHINESE
    engine: Literal[
        "guard", "extractive", "structure", "selected", "written", "refusal", "talk",
        "person",  # words of a staff member
        "relay",  # what was asked went to a staff member
    ] = "extractive"  # fmt: skip
    reason: str = ""
    targets: tuple[Target, ...] = ()
    departments: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    hotline: str | None = None  # number to offer for a person
    wants_person: bool = False  # asked for a person: the face offers to call one
    timings: dict[str, float] = Field(default_factory=dict)  # milliseconds by stage


class Contacts(Frozen):
    """Whom a resident may turn to: a hotline always, and the counter or department that the last answer named."""

    hotline: tuple[Passage, ...] = ()  # a hotline's card and its fields, in order
    counter: tuple[Passage, ...] = ()  # a service's card and its fields
    department: str = ""


class TurnEvent(Frozen):
    """One message of a turn; ``turn_id`` is the epoch, stale ones are dropped."""

    turn_id: int
    type: Literal["started", "text", "answer", "cancelled", "error"]
    text: str = ""
    answer: Answer | None = None
    reason: Literal["", "input", "away"] = ""  # of an error: the question can't be used; nothing can be looked up


# --- engines and stages --------------------------------------------------------------


class Embedder(Protocol):
    """Texts to vectors: float32, L2-normalised, shape (n, dimensions)."""

    name: str
    dimensions: int

    def encode_query(self, texts: Sequence[str]) -> Any:
        """Vectors of questions."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Any:
        """Vectors of passages."""
        ...


class LanguageModel(Protocol):
    """A chat model that may select sentences, and write when it is large enough."""

    name: str
    writes: bool  # trusted to write freely (still verified)

    async def ready(self) -> bool:
        """Whether a call would start at once; never blocks for loading."""
        ...

    async def select(self, question: str, passage: Passage, sentences: Sequence[str], timeout: float) -> int:
        """Number (1-based) of the sentence that answers ``question``, or 0 for none.

        ``passage`` is the article or card that the sentences belong to; its computed prefix is
        used when there is one. ``timeout`` is in seconds. Raises ``AnswerError`` when late or broken.
        """
        ...

    def write(self, question: str, evidence: Sequence[str], language: Language, timeout: float) -> AsyncIterator[str]:
        """Stream a free answer to ``question`` from ``evidence`` (numbered by position)."""
        ...

    async def prepare(
        self, articles: Sequence[tuple[Passage, Sequence[str]]], progress: Callable[[int, int], None]
    ) -> int:
        """Compute and keep the prefix of each article; returns how many were new."""
        ...

    async def close(self) -> None:
        """Stop the engine and let go of its memory."""
        ...


class Artefact(Protocol):
    """A part of a release that is built from passages and opened for asking."""

    name: str
    identity: str  # what it is built with: a change of it makes a new release

    def build(self, corpus: Corpus, folder: Path) -> None:
        """Write this part into ``folder`` (exists, empty). Must be complete on return."""
        ...

    def merge(self, parts: Sequence[tuple[Path, Any]], folder: Path) -> None:
        """Write into ``folder`` what building the chosen rows of ``parts``, in order, would have written.

        Each part is the folder that ``build`` or ``merge`` wrote and the rows to take (int64, ascending).
        """
        ...


class Retriever(Protocol):
    """Finds evidence in one release."""

    def search(self, question: Question, day: date) -> Evidence:
        """Candidates that may be used on ``day``, best first."""
        ...


class Observer(Protocol):
    """Listens to turns without touching the data path."""

    def turn_finished(self, question: str, answer: Answer) -> None:
        """Called once a turn; must not keep the question."""
        ...


class Conversation(Protocol):
    """What faces speak to: the turn of one assistant over many sessions."""

    def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        """Run one turn; yields ``started``, then ``text`` pieces, then one ``answer``.

        Input that can't be used ends in an ``error`` event with a message for residents.
        A newer turn of the same session, or ``cancel``, ends this one with ``cancelled``.
        """
        ...

    def cancel(self, session: str) -> None:
        """Make the running turn stale."""
        ...

    def epoch(self, session: str) -> int:
        """A new epoch for words outside a turn; what ran before is stale."""
        ...

    def heard(self, session: str, turn_id: int, text: str) -> None:
        """Of a turn's answer only ``text`` was heard: memory keeps no more than that."""
        ...

    def answered(self, session: str, turn_id: int) -> Answer | None:
        """The session's last answer when it is of turn ``turn_id``, for a face that did not ask itself."""
        ...

    def erase(self, session: str) -> None:
        """Forget everything about a session."""
        ...

    def on_erase(self, forget: Callable[[str], None]) -> None:
        """Call ``forget`` with a session's id whenever one is erased, for whatever reason."""
        ...

    def tell(self, session: str, answer: Answer) -> int:
        """Make ``answer``, which no turn of ours gave, the session's last one; returns its epoch."""
        ...

    def exchanges(self, session: str) -> tuple[Exchange, ...]:
        """What the session remembers, oldest first; opens no session."""
        ...

    async def contacts(self, session: str) -> Contacts:
        """Whom to turn to about what was spoken of last."""
        ...

    def suggestions(self, language: Language) -> tuple[str, ...]:
        """Questions to offer before anyone has asked."""
        ...

    def passage(self, passage_id: str) -> Passage | None:
        """One passage of the current release."""
        ...

    def documents(self) -> tuple[Document, ...]:
        """Documents of the current release."""
        ...

    def passages(self, doc: str) -> tuple[Passage, ...]:
        """Every passage of one document in reading order; empty when there is no such document."""
        ...

    def rate(self, session: str, turn_id: int, good: bool) -> None:
        """Count a thumb up or down; keeps no text."""
        ...
