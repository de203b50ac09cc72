"""Reads pictures of text, when a reader is installed: RapidOCR (extra ``ocr``) or the tesseract program."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

# A picture (PIL) to its lines, top to bottom.
Reader = Callable[[Any], list[str]]

INSTALL = "要读扫描件，请让管理员安装文字识别：pip install 'jiamenkou[ocr]'；或者请对方提供能选中文字的 PDF。"
_SURE = 0.5  # below it a line is noise


@lru_cache(maxsize=1)
def picture_reader() -> Reader | None:
    """The best reader that is installed, or None."""
    if importlib.util.find_spec("rapidocr") is not None:
        return _rapid()
    program = shutil.which("tesseract")
    if program is not None and _speaks_chinese(program):
        return lambda picture: _tesseract(program, picture)
    return None


def _rapid() -> Reader:
    logging.disable(logging.WARNING)  # it tells standard output about every model
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(
        params={
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 2,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )

    def read(picture: Any) -> list[str]:
        import numpy as np

        found = engine(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        if found.txts is None or found.boxes is None:
            return []
        pieces = [
            (float(box[:, 1].min()), float(box[:, 1].max()), float(box[:, 0].min()), text)
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
            if score >= _SURE and text.strip()
        ]
        return _lines(pieces)

    return read


def _lines(pieces: list[tuple[float, float, float, str]]) -> list[str]:
    """Pieces (top, bottom, left, text) that stand beside each other as one line."""
    lines: list[list[tuple[float, float, float, str]]] = []
    for piece in sorted(pieces):
        top, bottom = piece[:2]
        last = lines[-1][0] if lines else None
        if last is not None and (top + bottom) / 2 < last[1] and (last[0] + last[1]) / 2 > top:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [" ".join(piece[3] for piece in sorted(line, key=lambda each: each[2])) for line in lines]


def _speaks_chinese(program: str) -> bool:
    try:
        listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return "chi_sim" in listed.stdout.split()


def _tesseract(program: str, picture: Any) -> list[str]:
    buffer = BytesIO()
    picture.convert("L").save(buffer, "PNG")
    done = subprocess.run(  # noqa: S603
        [program, "stdin", "stdout", "-l", "chi_sim+eng", "--psm", "6"],
        input=buffer.getvalue(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
