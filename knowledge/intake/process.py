"""Takes a file in within a process of its own: memory and time are bounded, and it can be stopped."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ValidationError

from assistant.contracts import Passage
from assistant.errors import IntakeCancelled, IntakeError
from knowledge.intake.limits import MIB, Limits, Progress
from knowledge.intake.pipeline import Options
from knowledge.intake.sniff import check_size_of
from knowledge.intake.values import Intake

_ROOT = Path(__file__).resolve().parents[2]
_TICK = 0.1  # seconds between two looks at whether to stop
_LARGEST_RESULT = 400 * MIB


def take_in(
    source: Path | bytes,
    name: str = "",
    *,
    published: Iterable[Passage] = (),
    published_count: int = 0,
    options: Options | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Intake:
    """The preview of a file (a path or its bytes) called ``name``; blocks until it is done.

    ``published`` are the passages to compare with; ``progress`` gets (done, of all, what is counted).
    Nothing is kept: the caller decides what becomes of the preview. Raises IntakeError in plain
    Chinese, IntakeCancelled once ``cancelled()`` is true.
    """
    limits, options = limits or Limits(), options or Options()
    name = name or (source.name if isinstance(source, Path) else "")
    with tempfile.TemporaryDirectory(prefix="jiamenkou-intake-") as folder:
        place = Path(folder)
        file = _stored(source, place / "file", limits)
        known = place / "published.jsonl"
        total = _write_published(published, known, cancelled)
        order = {
            "file": str(file),
            "name": name,
            "published": str(known),
            "published_count": max(total, published_count),
            "result": str(place / "result.json"),
            "options": options.model_dump(),
            "limits": limits.model_dump(),
        }
        _run(order, place, limits, progress or (lambda done, of_all, unit: None), cancelled)
        return _result(place / "result.json")


def _stored(source: Path | bytes, file: Path, limits: Limits) -> Path:
    if isinstance(source, bytes):
        check_size_of(len(source), limits)
        file.write_bytes(source)
        return file
    try:
        check_size_of(source.stat().st_size, limits)
        if not source.is_file():
            raise IntakeError("这不是文件。", "请选一个文件。", code="unsupported")
        return source.resolve()
    except OSError as error:
        raise IntakeError(f"文件读不了：{error.strerror}。", "请检查文件还在不在、有没有权限。") from error


def _write_published(published: Iterable[Passage], file: Path, cancelled: Callable[[], bool]) -> int:
    """Only what comparing needs, one passage a line; returns how many."""
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for passage in published:
            if passage.kind not in ("sentence", "field", "about") and not passage.departments:
                continue
            kinds = [str(kind) for kind in passage.fact_kinds[:1]]
            line = [
                passage.id,
                passage.kind,
                passage.doc,
                passage.title,
                passage.field,
                passage.text,
                kinds,
                passage.departments,
            ]
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
            if count % 1000 == 0 and cancelled():
                raise _cancelled()
    return count


def _run(
    order: dict[str, object], folder: Path, limits: Limits, progress: Progress, cancelled: Callable[[], bool]
) -> None:
    """Start the worker, pass its progress on, and stop it when it is told to or takes too long."""
    command = [sys.executable, "-P", "-m", "knowledge.intake.worker"]
    # No keys, no settings: the worker needs none of them.
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "HOME") if key in os.environ}
    environment = kept | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with subprocess.Popen(  # noqa: S603
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as worker:
        lines: queue.Queue[bytes] = queue.Queue()
        reader = threading.Thread(target=_forward, args=(worker, lines), daemon=True)
        reader.start()
        try:
            _hand_over(worker, order)
            said = _follow(worker, lines, reader, limits.seconds, progress, cancelled)
        finally:
            _stop(worker)
    if "error" in said:
        message, hint, code = (str(part) for part in said["error"])
        raise IntakeError(message, hint, code)
    if "done" not in said:
        raise IntakeError(
            "读这个文件时出了问题，已经停下，没有影响其他内容。",
            "文件可能太大、太复杂或者已经损坏：请分成几个小文件，或者换一种格式（比如 .docx 另存为 .txt）再试。",
            code="crashed",
        )


def _hand_over(worker: subprocess.Popen[bytes], order: dict[str, object]) -> None:
    if worker.stdin is None:
        raise IntakeError("读文件的程序没有启动。", "请再试一次。", code="crashed")
    try:
        worker.stdin.write(json.dumps(order).encode())
        worker.stdin.close()
    except BrokenPipeError:
        pass  # it died at once: following finds no word of it


def _forward(worker: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    if worker.stdout is not None:
        for line in iter(lambda: worker.stdout.readline(65536) if worker.stdout else b"", b""):
            lines.put(line)


def _follow(
    worker: subprocess.Popen[bytes],
    lines: queue.Queue[bytes],
    reader: threading.Thread,
    seconds: float,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> dict[str, list[object]]:
    """The worker's last word: {"done": …}, {"error": [message, hint, code]}, or nothing when it died."""
    deadline = time.monotonic() + seconds
    while True:
        if cancelled():
            raise _cancelled()
        if time.monotonic() > deadline:
            raise IntakeError(
                f"读了 {seconds:.0f} 秒还没读完，已经停下。",
                "请把它分成几个小文件，或者换一种格式再上传。",
                code="too_slow",
            )
        try:
            said = json.loads(lines.get(timeout=_TICK))
        except queue.Empty:
            if not reader.is_alive() and lines.empty():
                return {}
            continue
        except ValueError:
            continue  # a library spoke
        if isinstance(said, dict) and "progress" in said:
            done, of_all, unit = said["progress"]
            progress(int(done), int(of_all), str(unit))
        elif isinstance(said, dict) and ("done" in said or "error" in said):
            return said


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """End the worker and what it started."""
    if worker.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, 9)
    worker.wait()


def _result(file: Path) -> Intake:
    try:
        if file.stat().st_size > _LARGEST_RESULT:
            raise IntakeError("读出来的内容太多了。", "请把它分成几个文件再上传。", code="too_long")
        return Intake.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise IntakeError(
            "读出来的内容不完整，没有采用。", "请再试一次；还不行就换一种格式。", code="crashed"
        ) from error


def _cancelled() -> IntakeCancelled:
    return IntakeCancelled("已经停下，什么都没有保存。", code="cancelled")
