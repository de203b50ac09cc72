"""Runs the local engine: starts its process, restarts it after a crash, speaks to its one slot."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from assistant.errors import AnswerError, WeightsError

CONTEXT = 4096  # tokens of prompt and answer together
BATCH = 64  # tokens computed at a time; a request that was given up costs at most this much
STEADY = 60.0  # seconds; a process that lived this long is started anew after each crash
_PROCESS = Path(__file__).with_name("llama_process.py")
_ASK_AGAIN = "Answers are extractive until it is back; see `jiamenkou weights verify`."


class LlamaServer:
    """llama.cpp's server in a child process with one slot; usable from any thread and event loop.

    ``folder`` is where slots are saved (it is made). The process starts at once and loads in the
    background. After a crash it is started once more; one that dies young twice stays away.
    """

    def __init__(self, model: Path, folder: Path, threads: int, context: int = CONTEXT) -> None:
        if not model.is_file():
            raise WeightsError(f"There is no model file {model}.", "Run `jiamenkou weights pull`.")
        folder.mkdir(parents=True, exist_ok=True)
        self.key = secrets.token_urlsafe(24)
        self.starts = 0  # how often the process was started
        self._wanted = {
            "model": str(model.resolve()),
            "folder": str(folder.resolve()),
            "threads": threads,
            "context": context,
            "batch": BATCH,
            "key": self.key,
        }
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._port: int | None = None
        self._closed = False
        self._keeper = threading.Thread(target=self._keep, name="llama", daemon=True)
        self._keeper.start()

    @property
    def up(self) -> bool:
        """Whether the model is loaded and its process lives."""
        process = self._process
        return self._port is not None and process is not None and process.poll() is None

    @property
    def base_url(self) -> str:
        """Where it listens, without a path; raises ``AnswerError`` while it doesn't."""
        port = self._port
        if port is None or not self.up:
            raise AnswerError("The local language model isn't loaded.", _ASK_AGAIN)
        return f"http://127.0.0.1:{port}"

    @property
    def process_id(self) -> int | None:
        """The child's process id, for looking at its memory."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the process and wait for it. May be called twice."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()
        self._keeper.join(timeout=10)

    def _keep(self) -> None:
        """Start the process and start it again after a crash, unless it dies young twice."""
        # ChatOpenAI takes more than a second to import: no question should wait for that.
        threading.Thread(target=import_clients, name="llama-imports", daemon=True).start()
        young = 0
        while young < 2:
            began = time.monotonic()
            with self._lock:
                if self._closed:
                    return
                self.starts += 1
                process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-P", str(_PROCESS)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                )
                self._process = process
            if process.stdin and process.stdout:
                self._port = self._greet(process.stdin, process.stdout)
            process.wait()
            self._port = None
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
            young = 1 if time.monotonic() - began >= STEADY else young + 1

    def _greet(self, stdin: IO[str], stdout: IO[str]) -> int | None:
        """Send the settings; returns the port, or None when the process ended instead."""
        try:
            stdin.write(json.dumps(self._wanted) + "\n")
            stdin.flush()
            return int(json.loads(stdout.readline())["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    # --- the native endpoints, beside the OpenAI ones that LangChain uses ---------------

    async def render(self, messages: Sequence[dict[str, str]]) -> str:
        """The prompt that the model's chat template makes of ``messages``."""
        return str((await self._post("/apply-template", {"messages": list(messages)}))["prompt"])

    async def tokens(self, text: str) -> list[int]:
        """Token ids of a rendered prompt, as the chat endpoint would read it."""
        body = {"content": text, "add_special": True, "parse_special": True}
        return [int(token) for token in (await self._post("/tokenize", body))["tokens"]]

    async def compute(self, tokens: Sequence[int]) -> int:
        """Bring the slot to exactly ``tokens``, reusing what it holds; returns how many were computed."""
        body = {"prompt": list(tokens), "n_predict": 0, "cache_prompt": True, "id_slot": 0}
        return int((await self._post("/completion", body))["timings"]["prompt_n"])

    async def save(self, file_name: str) -> None:
        """Write the slot's state into ``folder``."""
        await self._post("/slots/0?action=save", {"filename": file_name})

    async def restore(self, file_name: str) -> None:
        """Read a state into the slot. Only ever give it whole files: a cut one crashes the process."""
        await self._post("/slots/0?action=restore", {"filename": file_name})

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            # Plain HTTP on the loopback: without verify=False httpx would load certificates for nothing.
            async with httpx.AsyncClient(
                base_url=self.base_url,
                headers=headers,
                trust_env=False,
                verify=False,  # noqa: S501
                timeout=60,
            ) as client:
                response = await client.post(path, json=body)
            if response.status_code != 200:
                raise AnswerError(f"The local model answered {response.status_code} to {path}.", _ASK_AGAIN)
            found: dict[str, Any] = response.json()
            return found
        except (httpx.HTTPError, ValueError) as error:
            raise AnswerError(f"The local model broke off: {type(error).__name__}.", _ASK_AGAIN) from error


def import_clients() -> None:
    """Import what calls need; slow, so done before the first call."""
    import httpx  # noqa: F401
    import langchain_openai  # noqa: F401
