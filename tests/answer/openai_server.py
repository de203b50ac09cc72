"""A tiny OpenAI-compatible server on 127.0.0.1; the name of the model says how it behaves."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse


class OpenAIServer:
    """Runs in a thread. A model named ``say:…`` replies with the rest of its name; see ``_complete``."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.other_paths: list[str] = []
        self.left = threading.Event()  # a client went away in the middle of a reply
        app = FastAPI()
        app.post("/v1/chat/completions")(self._complete)
        app.api_route("/{path:path}", methods=["GET", "POST", "PATCH"])(self._other)
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        """Returns when it listens."""
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.origin}/v1"

    def stop(self) -> None:
        """Returns when it's gone."""
        self._server.should_exit = True
        self._thread.join(10)

    async def _other(self, path: str) -> Response:
        self.other_paths.append(path)
        return JSONResponse({"error": "no such thing"}, 404)

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        how = body["model"]
        if how == "hang":
            await self._until_left(request)
        if how in ("500", "429", "404"):
            return JSONResponse({"error": {"message": body["messages"][-1]["content"]}}, int(how))
        if how == "html":
            return Response("<html>busy</html>", media_type="text/html")
        if how == "half":
            return Response('{"choices": [', media_type="application/json")
        if how == "nothing":
            return JSONResponse({"id": "1", "object": "chat.completion", "choices": []})
        text = how.partition("say:")[2]
        if body.get("stream"):
            return StreamingResponse(self._stream(request, how, text), media_type="text/event-stream")
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({"id": "1", "object": "chat.completion", "created": 0, "model": how, "choices": [choice]})

    async def _stream(self, request: Request, how: str, text: str) -> AsyncIterator[str]:
        if how == "stream:hang":
            yield _chunk("开头")
            await self._until_left(request)
        elif how == "stream:endless":
            try:
                while True:
                    yield _chunk("社区服务越来越好，")
                    await asyncio.sleep(0)
            finally:
                self.left.set()
        elif how == "stream:cut":
            yield _chunk("开头")
            raise ConnectionError("cut")
        elif how == "stream:garbage":
            yield "data: {nonsense\n\n"
        else:
            for character in text:
                yield _chunk(character)
            yield "data: [DONE]\n\n"

    async def _until_left(self, request: Request) -> None:
        try:  # a streaming response cancels this itself when the client goes
            while not await request.is_disconnected():
                await asyncio.sleep(0.02)
        finally:
            self.left.set()


def _chunk(text: str) -> str:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n"
