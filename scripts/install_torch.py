"""Install a CPU build of torch, never a CUDA one, then sentence-transformers; see `main`.

Run by `make setup` with the virtual environment's Python; uses the standard library only.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PINNED = "2.13.0"
OLDEST = "2.9"
SENTENCE_TRANSFORMERS = "sentence-transformers>=6.2,<7"
WITHOUT = (
    "Going on without torch: the ONNX embedder serves. sentence-transformers is only needed to check it, "
    "or to use other embedders."
)


def say(text: str) -> None:
    """Tell what happens, at once."""
    print(f"[torch] {text}", flush=True)


def version(package: str) -> str:
    """The installed version of ``package``, or an empty string."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def pip(*words: str) -> bool:
    """Run pip of this Python; True when it succeeded."""
    return run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)


def run(*command: str) -> bool:
    """Run a command and show it; True when it succeeded."""
    say("$ " + " ".join(command))
    try:
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603
    except OSError as problem:
        say(str(problem))
        return False


def with_uv() -> bool:
    """uv knows PyTorch's own index of CPU builds, so that none need be named here."""
    command = shutil.which("uv")
    if command is None:
        if not pip("uv"):
            return False
        command = str(Path(sys.executable).parent / ("uv.exe" if os.name == "nt" else "uv"))
    return run(command, "pip", "install", "--python", sys.executable, "--torch-backend", "cpu", f"torch>={OLDEST}")


def install_torch() -> bool:
    """The first way that works; True when torch is there afterwards."""
    if found := version("torch"):
        say(f"torch {found} is installed already.")
        return True
    # A "+cpu" version matches nothing but a CPU wheel: from PIP_FIND_LINKS or a configured index.
    if pip(f"torch=={PINNED}+cpu"):
        return True
    if platform.system() == "Darwin":  # every torch for macOS is a CPU build
        return pip(f"torch>={OLDEST}")
    return with_uv()


def main() -> int:
    """Torch, then sentence-transformers held to that torch; always 0, because the app can do without."""
    if os.environ.get("JIAMENKOU_TORCH", "").lower() == "none":
        say("JIAMENKOU_TORCH=none. " + WITHOUT)
        return 0
    if not install_torch():
        say(WITHOUT)
        return 0
    importlib.invalidate_caches()
    installed = version("torch")
    say(f"torch {installed} is there.")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(f"torch=={installed}\n", encoding="utf-8")
        if not pip(SENTENCE_TRANSFORMERS, "--constraint", str(constraints)):
            say("sentence-transformers could not be installed: the ONNX embedder serves.")
            return 0
    say(f"sentence-transformers {version('sentence-transformers')} is there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
