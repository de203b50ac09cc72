"""A small package registry on this machine, with faults on demand."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import threading
import zipfile
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from assistant.errors import WeightsError
from assistant.weights.manifest import FileSpec, Model, Package, Part, Source

PART = 200_000  # bytes of each made-up part


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def noise(seed: int, size: int = PART) -> bytes:
    return random.Random(seed).randbytes(size)


def wheel(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as box:
        for name, data in members.items():
            box.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tarball(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class FakeRegistry:
    """Serves archives over HTTP on 127.0.0.1, with faults on demand; counts what it is asked."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []  # filename, Range header
        self.located: list[list[str]] = []
        self.cut_after: dict[str, list[int]] = {}  # bytes of each next answer before the line breaks
        self.statuses: dict[str, int] = {}
        self.ranges = True  # whether the server knows Range
        self.pause = threading.Event()  # set: answers flow
        self.stalls: set[str] | None = None  # files that stop while it isn't set; None: all
        self.pause.set()
        self.downloads: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                registry._answer(self)

            def log_message(self, *words: object) -> None:
                """Keep the test output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.pause.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.lstrip("/")
        wanted = handler.headers.get("Range", "")
        self.requests.append((name, wanted))
        if status := self.statuses.get(name):
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        data = self.archives[name]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        body = data[start:]
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        cuts = self.cut_after.get(name, [])
        if cuts:
            handler.wfile.write(body[: cuts.pop(0)])
            handler.wfile.flush()
            self._wait(name)
            handler.close_connection = True
            handler.connection.close()
            return
        self._wait(name)
        handler.wfile.write(body)

    def _wait(self, name: str) -> None:
        if self.stalls is None or name in self.stalls:
            self.pause.wait(20)

    # --- what assistant.weights.registry.Registry asks for ---------------------------

    def locate(self, packages: Sequence[Package]) -> dict[str, str]:
        self.located.append([package.name for package in packages])
        unknown = [package.label for package in packages if package.filename not in self.archives]
        if unknown:
            raise WeightsError(f"no such package: {', '.join(unknown)}", "Check the registry.")
        return {package.name: f"{self.url}/{package.filename}" for package in packages}

    def client(self) -> httpx.Client:
        return httpx.Client(trust_env=False, timeout=10)

    def download(self, package: Package, folder: Path) -> Path:
        self.downloads.append(package.name)
        raise WeightsError("the registry's own client failed too", "Check the network.")

    # --- filling it ------------------------------------------------------------------

    def publish(self, name: str, members: dict[str, bytes], npm: bool = False) -> Package:
        data = tarball(members) if npm else wheel(members)
        filename = f"{name}-1.0.tgz" if npm else f"{name}-1.0-py3-none-any.whl"
        self.archives[filename] = data
        return Package(
            registry="npm" if npm else "python",
            name=name,
            version="1.0",
            filename=filename,
            size=len(data),
            sha256=sha256(data),
        )


def file_spec(path: str, *pieces: tuple[Package, str, bytes]) -> FileSpec:
    parts = tuple(
        Part(package=package.name, member=member, size=len(data), sha256=sha256(data))
        for package, member, data in pieces
    )
    whole = b"".join(data for _, _, data in pieces)
    return FileSpec(path=path, size=len(whole), sha256=sha256(whole), parts=parts)


def a_model(name: str, role: str, sources: Sequence[Source], path: str = "") -> Model:
    return Model(name=name, role=role, default=True, licence="MIT", about="x", path=path, sources=tuple(sources))
