"""/v1/embeddings: the vectors that retrieval itself uses."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.contracts import Embedder
from assistant.http.admission import Admission
from assistant.http.openai_errors import FAILURES, ApiError, OpenAIRoute
from assistant.http.shapes import Text

TOKENS = 512  # that the model reads of one text
TEXTS = 2048  # of one request, as with OpenAI
TOGETHER = 8  # texts embedded before others have their turn
QUERY, PASSAGE = "-query", "-passage"

Words = Annotated[Text, StringConstraints(min_length=1)]
Number = Annotated[int, Field(ge=0)]


class EmbeddingRequest(BaseModel):
    """Texts to embed."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        description="See `/v1/models`; `-passage` is for texts that are searched, `-query` for questions"
    )
    input: Words | Annotated[list[Words], Field(min_length=1, max_length=TEXTS)] | list[Number] | list[list[Number]]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = Field(None, ge=1, description="The model's own, or left out")
    user: str | None = None


class Embedding(BaseModel):
    """One vector, L2-normalised: numbers, or base64 of float32 (little-endian)."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens as the model's own tokenizer counts them."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """The vectors, in the order of the texts."""

    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: EmbeddingUsage


def names(embedder: Embedder) -> tuple[str, str, str]:
    """The names that the embedder goes by: for texts that are compared, asked, and searched."""
    return embedder.name, embedder.name + QUERY, embedder.name + PASSAGE


def embedding_routes(embedder: Embedder, admission: Admission, count: Callable[[str], int]) -> APIRouter:
    """The route of embeddings; ``count`` counts tokens."""
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, responses=FAILURES, tags=["OpenAI-style"])

    @router.post("/embeddings", response_model=Embeddings)
    async def embed(body: EmbeddingRequest) -> Any:
        """Vectors of texts. Compare them by their product."""
        texts = _texts(body, embedder)
        tokens = [count(text) for text in texts]
        for index, number in enumerate(tokens):
            if number > TOKENS:
                text = f"Text {index} has {number} tokens; the model reads {TOKENS}. Cut it into parts."
                raise ApiError(400, text, code="context_length_exceeded", param="input")
        encode = embedder.encode_document if body.model.endswith(PASSAGE) else embedder.encode_query
        vectors: list[Any] = []
        place: Any = admission
        for start in range(0, len(texts), TOGETHER):
            async with place:
                vectors += list(await asyncio.to_thread(encode, texts[start : start + TOGETHER]))
            place = admission.again()
        as_text = body.encoding_format == "base64"
        return {
            "object": "list",
            "model": body.model,
            "data": [
                {"object": "embedding", "index": index, "embedding": _base64(v) if as_text else v.tolist()}
                for index, v in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens)},
        }

    return router


def _texts(body: EmbeddingRequest, embedder: Embedder) -> list[str]:
    if body.model not in names(embedder):
        known = ", ".join(names(embedder))
        text = f"The model '{body.model}' does not exist; use one of {known}."
        raise ApiError(404, text, code="model_not_found", param="model")
    if body.dimensions not in (None, embedder.dimensions):
        text = f"This model has {embedder.dimensions} dimensions and can't be shortened."
        raise ApiError(400, text, code="unsupported_value", param="dimensions")
    texts = [body.input] if isinstance(body.input, str) else body.input
    found = [text for text in texts if isinstance(text, str)]
    if len(found) < len(texts) or not found:
        text = "Send texts, not tokens: they are another tokenizer's. (LangChain: check_embedding_ctx_length=False.)"
        raise ApiError(400, text, code="unsupported_value", param="input")
    return found


def _base64(vector: Any) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
