"""What the routes take and give: requests, and answers as JSON."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from assistant.contracts import Answer, Document, Language, Passage, TurnEvent

# Chosen by the server; a client may bring its own. Only harmless characters, as it stands in addresses.
SESSION_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,128}")
Session = Annotated[str, StringConstraints(pattern=f"^{SESSION_PATTERN.pattern}$")]


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a surrogate without its other half)") from None
    return text


Text = Annotated[str, AfterValidator(_whole)]  # JSON can hold what no file and no screen can


class Ask(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    session: Session | None = None
    language: Language | None = None  # of the answer; found from the question when absent


class Rating(BaseModel):
    """A thumb up or down."""

    model_config = ConfigDict(extra="forbid")

    session: Session
    turn_id: int
    good: bool


class CitationShape(BaseModel):
    """Where an answer stands."""

    doc: str
    article: int | None
    quote: str
    passage_id: str
    title: str
    path: list[str]
    sample: bool


class TargetShape(BaseModel):
    """One measurable target."""

    subject: str
    quantity: float
    unit: str
    qualifier: str
    deadline: str
    deadline_year: int | None
    text: str


class AnswerShape(BaseModel):
    """An answer with everything that a face needs to show it."""

    answer: str
    citations: list[CitationShape]
    refused: bool
    emergency: bool
    language: Language
    engine: str
    suggestions: list[str]
    targets: list[TargetShape]
    departments: list[str]
    hotline: str | None
    wants_person: bool = Field(description="asked for a person: offer to call one")
    timings: dict[str, float] = Field(description="milliseconds by stage")
    turn_id: int
    session: str


class PassageShape(BaseModel):
    """One passage as published."""

    id: str
    kind: str
    doc: str
    title: str
    path: list[str]
    article: int | None
    field: str | None
    values: list[str] = Field(description="of a card's field, without the sentence around them")
    text: str
    english: str | None
    sample: bool
    valid_from: date | None
    valid_until: date | None


class ArticleShape(PassageShape):
    """An article (or card) with its sentences (or fields) in order."""

    sentences: list[PassageShape]
    mark: str = Field(description="id of the passage that was asked for")


class Documents(BaseModel):
    """All documents of the current release."""

    documents: list[Document]


class Health(BaseModel):
    """Whether the service answers; what else there is depends on what is installed."""

    model_config = ConfigDict(extra="allow")

    live: bool
    ready: bool


def answer_shape(answer: Answer, turn_id: int, session: str) -> dict[str, Any]:
    """An answer as JSON; ``reason`` stays inside, it is for staff."""
    fields = answer.model_dump(mode="json", exclude={"text", "reason"})
    return {"answer": answer.text, **fields, "turn_id": turn_id, "session": session}


def event_shape(event: TurnEvent, session: str) -> dict[str, Any]:
    """One event of a stream as JSON; the answer's fields lie flat beside ``type``."""
    shape: dict[str, Any] = {"type": event.type, "turn_id": event.turn_id, "session": session}
    if event.type == "answer" and event.answer is not None:
        shape |= answer_shape(event.answer, event.turn_id, session)
    elif event.type == "error":
        shape["error"] = {"message": event.text, "hint": ""}
    elif event.type == "text":
        shape["text"] = event.text
    return shape


def passage_shape(passage: Passage) -> dict[str, Any]:
    """A passage as JSON, without what only indexing needs."""
    return passage.model_dump(mode="json", include=set(PassageShape.model_fields))


def document_shape(document: Document) -> dict[str, Any]:
    """A document as JSON."""
    return document.model_dump(mode="json")
