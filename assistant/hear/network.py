"""Open a small network on one thread: the streams and the recogniser need the processor more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.errors import HearError


def open_network(path: Path, name: str) -> Any:
    """An ONNX Runtime session of ``path``. Raises ``HearError`` that says that ``name`` can't be loaded."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own unnamed classes
        raise HearError(f"The {name} can't be loaded from {path}.", "Run: jiamenkou weights pull") from error
