"""Fetch a repository of a model hub by its id, through the user's own hub settings."""

from __future__ import annotations

from pathlib import Path

from assistant.errors import WeightsError
from assistant.weights.manifest import HubSource


def fetch(source: HubSource, folder: Path) -> None:
    """Bring the source's files into ``folder``; raises ``WeightsError`` when the hub can't be had."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as problem:
        raise WeightsError(
            f"{source.label} needs the package huggingface_hub, which is not installed.",
            "Run `pip install huggingface_hub`, or use a source that is not a hub.",
        ) from problem
    wanted = [spec.remote or spec.path for spec in source.files] or list(source.patterns)
    try:
        snapshot_download(source.id, revision=source.revision, allow_patterns=wanted, local_dir=folder, etag_timeout=10)
    except Exception as problem:  # the library raises its own, its HTTP client's and the system's errors
        told = " ".join(str(problem).split())[:160]
        raise WeightsError(
            f"{source.label} can't be fetched ({type(problem).__name__}: {told}).",
            "Check the network and HF_ENDPOINT, or copy the model's folder from another machine into "
            "a folder of JIAMENKOU_WEIGHTS_SOURCES.",
        ) from problem
    for spec in source.files:
        if spec.remote and spec.remote != spec.path:
            (folder / spec.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / spec.remote).replace(folder / spec.path)
