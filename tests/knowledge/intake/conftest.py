"""Reading a file where the test runs, without a process of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assistant.contracts import Passage
from knowledge.intake.limits import Desk, Limits
from knowledge.intake.pipeline import Options, read_file
from knowledge.intake.values import Intake


@pytest.fixture(scope="session")
def read() -> Callable[..., Intake]:
    """Bytes (or text) and a name to the preview."""

    def run(
        data: bytes | str,
        name: str = "file.txt",
        published: tuple[Passage, ...] = (),
        options: Options | None = None,
        **limits: object,
    ) -> Intake:
        data = data.encode() if isinstance(data, str) else data
        return read_file(data, name, Desk(Limits.model_validate(limits)), options, published, len(published))

    return run
