"""Every state of the kiosk: usable for everybody (axe-core), and as it looked before.

After a wanted change: JIAMENKOU_LOOKS=write pytest tests/ui/test_kiosk_looks.py, and look at what git shows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

from scripts.kiosk_screenshots import opened, picture, states
from tests.ui.kiosks import CONTRAST, PIN, Kiosk, kiosk
from tests.ui.voices import flags, silence, write

pytestmark = pytest.mark.slow

LOOKS = Path(__file__).with_name("looks")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
QUESTIONS = {
    "answer": "一刻钟生活圈是什么？",
    "service": "社区食堂几点开？",
    "refusal": "明天的天气怎么样？",
    "emergency": "着火了",
    "english": "What is the circle?",
}
RUN = """async (enhanced) => {
  const rules = { 'color-contrast-enhanced': { enabled: enhanced } };
  const found = await axe.run(document, { resultTypes: ['violations'], rules });
  return found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).slice(0, 4).join(' | ')}`);
}"""
STRANGE = 40  # levels of 255 by which a softened pixel may differ
SHARE = 0.005  # of the pixels that may differ more
MEAN = 3.0  # levels


@pytest.fixture(scope="module")
def page(launch, tmp_path_factory) -> Iterator[Any]:
    with kiosk() as served:
        browser = launch(*flags(write(tmp_path_factory.mktemp("quiet") / "quiet.wav", silence(0.5))))
        yield _open(browser, served)


def _open(browser: Any, served: Kiosk) -> Any:
    page = opened(browser, served.url, "portrait")
    page.add_style_tag(
        content=".k-avatar, .k-take svg { visibility: hidden; } * { caret-color: transparent !important; }"
    )
    page.evaluate(AXE)
    return page


def difference(shot: Image.Image, before: Image.Image) -> str:
    """What is strange about ``shot``; empty when it looks as ``before``. Fonts may differ a little."""
    if shot.size != before.size:
        return f"{shot.size} and not {before.size}"
    soft = [image.convert("L").filter(ImageFilter.BoxBlur(1)) for image in (shot, before)]
    gap = ImageChops.difference(*soft)
    strange = sum(gap.histogram()[STRANGE:]) / (gap.width * gap.height)
    mean = ImageStat.Stat(gap).mean[0]
    return f"{strange:.2%} strange, {mean:.1f} levels in the mean" if strange > SHARE or mean > MEAN else ""


def test_every_state_is_for_everybody_and_looks_as_before(page, tmp_path: Path) -> None:
    barriers: dict[str, list[str]] = {}
    changed: dict[str, str] = {}
    names = []
    for name in states(page, QUESTIONS, PIN):
        names.append(name)
        found = page.evaluate(RUN, name == "contrast")
        if found:
            barriers[name] = found
        ratio, where = page.evaluate(CONTRAST)
        assert ratio >= (7 if name == "contrast" else 4.5), f"{name}: {ratio:.1f} at {where}"
        shot, file = picture(page), LOOKS / f"{name}.webp"
        if os.environ.get("JIAMENKOU_LOOKS") == "write":
            LOOKS.mkdir(exist_ok=True)
            shot.save(file, quality=70, method=6)
        with Image.open(file) as before:
            strange = difference(shot, before.convert("RGB"))
        if strange:
            shot.save(tmp_path / f"{name}.png")
            changed[name] = f"{strange}, see {tmp_path}/{name}.png"
    page.add_style_tag(content=".k-staff h2 { color: #bbb !important; }")
    assert page.evaluate(CONTRAST)[0] < 2, "the measure sees pale words"
    assert barriers == {}
    assert changed == {}
    assert len(names) == 15
    assert all(file.stat().st_size <= 60 * 1024 for file in LOOKS.iterdir())


def test_the_comparison_sees_a_missing_button() -> None:
    with Image.open(LOOKS / "topics.webp") as image:
        before = image.convert("RGB")
    shot = before.copy()
    assert difference(shot, before) == ""
    shot.paste(before.getpixel((2, 400)), (10, 500, 530, 640))
    assert difference(shot, before) != ""
