"""What /v1/chat/completions takes and gives, as OpenAI's documents have it, and our extension field."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.contracts import Language
from assistant.http.openai_errors import ApiError
from assistant.http.shapes import AnswerShape, Text

LONGEST_HISTORY = 2048  # messages
Tag = Annotated[Text, StringConstraints(max_length=512)]


class Part(BaseModel):
    """A part of a message's content."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: Text | None = None
    refusal: Text | None = None


class ChatMessage(BaseModel):
    """One message; what else clients keep in theirs is ignored."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None
    name: str | None = None


class StreamOptions(BaseModel):
    """How the stream ends."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool | None = False
    include_obfuscation: bool | None = None


class Ours(BaseModel):
    """Our own field of a request."""

    model_config = ConfigDict(extra="forbid")

    session: Tag | None = Field(None, description="A conversation that the server remembers.")
    language: Language | None = Field(None, description="Of the answer; otherwise that of the question.")


class ChatRequest(BaseModel):
    """A chat completion. Fields without a description are accepted and change nothing."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="`xiaohu`")
    messages: list[ChatMessage] = Field(
        min_length=1, max_length=LONGEST_HISTORY, description="The conversation; its last user message is answered."
    )
    stream: bool | None = Field(False, description="Server-sent events instead of one JSON object.")
    stream_options: StreamOptions | None = None
    jiamenkou: Ours | None = None
    user: Tag | None = Field(None, description="With a single message, the end user whose conversation goes on.")
    safety_identifier: Tag | None = Field(None, description="As `user`.")
    metadata: dict[str, Text] | None = Field(None, description="`session` and `language`, as in `jiamenkou`.")
    n: int | None = Field(1, ge=1, description="1")
    response_format: dict[str, Any] | None = Field(None, description='{"type": "text"}')
    logprobs: bool | None = Field(None, description="false")
    modalities: list[str] | None = Field(None, description='["text"]')
    audio: dict[str, Any] | None = Field(None, description="null: speech is at /v1/audio/speech.")
    tool_choice: Any = Field(None, description="`none` or `auto`: tools are never called.")
    function_call: Any = Field(None, description="As `tool_choice`.")
    tools: list[dict[str, Any]] | None = None
    functions: list[dict[str, Any]] | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    top_logprobs: int | None = Field(None, ge=0, le=20)
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    store: bool | None = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    prediction: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    web_search_options: dict[str, Any] | None = None
    # Fields that clients of other servers send out of habit.
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    thinking: dict[str, Any] | None = None

    def refuse_unsupported(self) -> None:
        """Raise ``ApiError`` for what changes the answer's shape and can't be given."""
        kind = (self.response_format or {}).get("type", "text")
        forced = [each for each in (self.tool_choice, self.function_call) if each not in (None, "none", "auto")]
        for param, wrong, instead in (
            ("n", (self.n or 1) > 1, "There is one answer only: leave it out."),
            ("response_format", kind != "text", "Answers are plain text; their facts are in the field jiamenkou."),
            ("logprobs", bool(self.logprobs) or bool(self.top_logprobs), "Answers are quoted, not sampled."),
            ("modalities", any(m != "text" for m in self.modalities or ()), "Speech is at /v1/audio/speech."),
            ("audio", self.audio is not None, "Speech is at /v1/audio/speech."),
            ("tool_choice", bool(forced), "Tools are never called; use auto or none."),
        ):
            if wrong:
                message = f"Unsupported value: '{param}'. {instead}"
                raise ApiError(400, message, code="unsupported_value", param=param)


class Usage(BaseModel):
    """Tokens as the embedder's tokenizer counts them; for information, nothing is billed."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class OurAnswer(AnswerShape):
    """Our extension field: all that a face needs beyond the text."""


class ReplyMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None
    jiamenkou: OurAnswer


class Choice(BaseModel):
    """The only choice."""

    index: int
    message: ReplyMessage
    logprobs: None
    finish_reason: Literal["stop"]


class Completion(BaseModel):
    """A chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


def text_of(message: ChatMessage, place: int) -> str:
    """The words of a message. Raises ``ApiError`` for pictures, sound and files."""
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    words = []
    for number, part in enumerate(message.content):
        if part.type not in ("text", "input_text", "output_text", "refusal"):
            param = f"messages.{place}.content.{number}"
            hint = " Transcribe it first at /v1/audio/transcriptions." if part.type == "input_audio" else ""
            text = f"Unsupported content: '{part.type}'. Only text is understood.{hint}"
            raise ApiError(400, text, code="unsupported_content", param=param)
        words.append(part.text or part.refusal or "")
    return "\n".join(words)


_WISHES = {
    Language.ENGLISH: re.compile(
        r"\b(?:answer|reply|respond|speak|talk|write|converse|communicate|language|always|only)\b[^.\n]{0,40}\benglish\b"
        r"|\buse english\b|(?:用|讲|说|使用)(?:英语|英文)|language\s*[:=]\s*en\b",
        re.IGNORECASE,
    ),
    Language.CHINESE: re.compile(
        r"\b(?:answer|reply|respond|speak|talk|write|converse|communicate|language|always|only)\b[^.\n]{0,40}"
        r"\b(?:chinese|mandarin)\b|\buse (?:chinese|mandarin)\b"
        r"|(?:用|讲|说|使用)(?:中文|汉语|普通话)|language\s*[:=]\s*zh\b",
        re.IGNORECASE,
    ),
}


def wished_language(orders: str) -> Language | None:
    """The language that system messages ask for in so many words: all of them that is followed."""
    wished = [language for language, pattern in _WISHES.items() if pattern.search(orders)]
    return wished[0] if len(wished) == 1 else None
