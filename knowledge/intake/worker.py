"""The process that reads one file: takes its order from standard input, bounds itself, reports in JSON lines."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.contracts import FactKind, Passage
from assistant.errors import IntakeError
from knowledge.intake.limits import MIB, Desk, Limits
from knowledge.intake.pipeline import Options, read_file

_EVERY = 0.1  # seconds between two reports of the same kind
_TOO_MUCH = IntakeError(
    "读这个文件需要的内存太多，已经停下。",
    "请把它分成几个小文件，或者去掉图片再上传。",
    code="too_big",
)


def main() -> None:
    """Read the order, bound this process, and read the file; the last line says done or error."""
    order = json.loads(sys.stdin.buffer.read())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no report
    limits = Limits.model_validate(order["limits"])
    _bound(limits)
    try:
        error = _work(order, limits, out)
    except IntakeError as known:
        error = known
    except MemoryError:
        error = _TOO_MUCH
    except RecursionError:
        error = IntakeError("这个文件嵌套得太深，读不了。", "请把正文复制出来，用“粘贴”的办法收进来。", "too_deep")
    except Exception as unknown:  # the parent gets a message for people, whatever went wrong
        error = IntakeError(
            f"读这个文件时出了意外（{type(unknown).__name__}），没有采用。",
            "请换一种格式（比如另存为 .docx 或 .txt）再上传，并把文件交给管理员看一看。",
            "crashed",
        )
    last = {"error": [error.message, error.hint, error.code]} if error else {"done": True}
    out.write(json.dumps(last, ensure_ascii=False) + "\n")
    out.flush()
    os._exit(0)  # nothing to tidy up, and broken files may break the tidying


def _bound(limits: Limits) -> None:
    """Address space, processor time, file size; no core dumps."""
    memory, seconds = limits.memory_mib * MIB, int(limits.seconds * 2) + 5
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 1024 * MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _work(order: dict[str, Any], limits: Limits, out: Any) -> IntakeError | None:
    last: dict[str, float] = {}

    def progress(done: int, of_all: int, unit: str) -> None:
        now = time.monotonic()
        if done < of_all and now - last.get(unit, 0.0) < _EVERY:
            return
        last[unit] = now
        out.write(json.dumps({"progress": [done, of_all, unit]}, ensure_ascii=False) + "\n")
        out.flush()

    intake = read_file(
        Path(order["file"]).read_bytes(),
        order["name"],
        Desk(limits, progress),
        Options.model_validate(order["options"]),
        _published(Path(order["published"])),
        order["published_count"],
    )
    Path(order["result"]).write_text(intake.model_dump_json(), encoding="utf-8")
    return None


def _published(file: Path) -> Iterator[Passage]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            id_, kind, doc, title, field, text, kinds, departments = json.loads(line)
            yield Passage.model_construct(
                id=id_,
                kind=kind,
                doc=doc,
                title=title,
                field=field,
                text=text,
                fact_kinds=tuple(FactKind(each) for each in kinds),
                departments=tuple(departments),
            )


if __name__ == "__main__":
    main()
