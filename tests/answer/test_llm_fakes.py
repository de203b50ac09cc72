"""The fakes keep the contract where they should, and harm where they should."""

from __future__ import annotations

import asyncio
import time

import pytest

from assistant.answer.fake_llm import Lie, LyingLanguageModel, ScriptedLanguageModel
from assistant.contracts import Language, LanguageModel
from assistant.errors import AnswerError

from .conftest import LIFTS, PARKS


async def _text(model: LanguageModel, question: str = "问", seconds: float = 1.0) -> str:
    pieces = model.write(question, ["第一条。", "第二条。"], Language.CHINESE, seconds)
    return "".join([piece async for piece in pieces])


async def test_the_script_is_followed() -> None:
    model = ScriptedLanguageModel(picks={"电梯": 2}, texts={"电梯": "可以加装。[1]"})
    assert await model.ready()
    assert await model.select("电梯", *LIFTS, timeout=1) == 2
    assert await model.select("别的", *LIFTS, timeout=1) == 0
    assert await _text(model, "电梯") == "可以加装。[1]"
    assert model.asked == ["电梯", "别的", "电梯"]
    assert await model.prepare([LIFTS, PARKS], lambda done, all_: None) == 2
    assert await model.prepare([LIFTS], lambda done, all_: None) == 0
    await model.close()
    assert not await model.ready()


async def test_a_slow_script_is_late_in_time() -> None:
    model = ScriptedLanguageModel(delay=60)
    began = time.monotonic()
    with pytest.raises(AnswerError):
        await model.select("电梯", *LIFTS, timeout=0.05)
    with pytest.raises(AnswerError):
        await _text(model, seconds=0.05)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("lie", [Lie.OUT_OF_RANGE, Lie.NEGATIVE])
async def test_numbers_out_of_range(lie: Lie) -> None:
    number = await LyingLanguageModel(lie).select("问", *LIFTS, timeout=1)
    assert not 0 <= number <= len(LIFTS[1])


@pytest.mark.parametrize("lie", [Lie.NUMBER, Lie.PHONE, Lie.DEPARTMENT, Lie.PROCEDURE, Lie.CITATION, Lie.INJECTION])
async def test_invented_text_is_nowhere_in_the_evidence(lie: Lie) -> None:
    text = await _text(LyingLanguageModel(lie))
    assert len(text) > 5
    assert text not in "第一条。第二条。"


async def test_harm_of_other_kinds() -> None:
    assert await _text(LyingLanguageModel(Lie.EMPTY)) == ""
    with pytest.raises(AnswerError):
        await _text(LyingLanguageModel(Lie.LATE_BREAK))
    with pytest.raises(AnswerError):
        await LyingLanguageModel(Lie.RAISE).select("问", *LIFTS, timeout=1)
    with pytest.raises(RuntimeError):
        await _text(LyingLanguageModel(Lie.CRASH))


@pytest.mark.parametrize("lie", [Lie.ENDLESS, Lie.HANG])
async def test_what_never_ends_can_be_left(lie: Lie) -> None:
    model = LyingLanguageModel(lie)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await _text(model)
    await asyncio.sleep(0.05)
    assert (model.started, model.stopped) == (1, 1)
