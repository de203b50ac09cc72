"""The real model, once per session: from JIAMENKOU_TEST_GGUF, else from the weights store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.answer.llm import LocalLanguageModel
from assistant.contracts import Passage
from assistant.errors import WeightsError
from assistant.settings import ROOT, Settings

Article = tuple[Passage, list[str]]


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The local model's file; without it a real test fails, saying what to do."""
    given = os.environ.get("JIAMENKOU_TEST_GGUF")
    if given:
        return Path(given)
    from assistant.weights.store import WeightStore

    chosen = Settings()
    try:
        return WeightStore(chosen.weights_folder, chosen.weights_sources).path("qwen2.5-coder-1.5b")
    except WeightsError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")
def local(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalLanguageModel]:
    """A loaded model with an empty prefix folder."""
    folder = tmp_path_factory.mktemp("prefixes")
    model = LocalLanguageModel(gguf, folder, ROOT / "prompts", threads=2)
    until = time.monotonic() + 120
    while not model._server.up:
        assert time.monotonic() < until, "the model doesn't load"
        time.sleep(0.1)
    yield model
    model._server.close()


def article(name: str, title: str, sentences: list[str]) -> Article:
    """An article of a made-up document, with its sentences."""
    passage = Passage(
        id=name,
        kind="article",
        doc="test",
        title="测试文件",
        path=("测试文件", "一、测试", title),
        text="".join(sentences),
    )
    return passage, sentences


LIFTS = article(
    "test:1",
    "改善居住条件",
    [
        "鼓励街镇开设便民理发点。",
        "推进既有多层住宅加装电梯。",
        "支持在小区出入口设置智能快件箱。",
        "推广雨水收集和屋顶绿化。",
    ],
)
PARKS = article(
    "test:2",
    "拓展健身空间",
    ["支持利用高架桥下空间建设健身设施。", "全市建设不少于20个体育公园。", "发展击剑、帆船等项目。"],
)
