"""Scanned pages: recognised as such, read when a reader is installed, else named with what to install."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from assistant.errors import IntakeError
from knowledge.intake.process import take_in
from knowledge.intake.values import Intake
from tests.knowledge.intake.builders import NOTICE, pdf, picture_pdf

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
WORDS = ("示例街道社区食堂开放通知", "一、社区食堂每天十点半到十三点开放。", "二、老人午餐每份12元，请带好敬老卡。")


def scan() -> Image.Image:
    picture = Image.new("RGB", (1240, 700), "white")
    drawing = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(FONT), 40) if FONT.exists() else ImageFont.load_default()
    for at, words in enumerate(WORDS):
        drawing.text((90, 80 + at * 90), words if FONT.exists() else "scan", font=font, fill="black")
    return picture


def test_scanned_pages_are_named_and_spoil_no_other(read: Callable[..., Intake]) -> None:
    from pypdfium2 import PdfDocument

    whole = PdfDocument.new()
    for data in (pdf([NOTICE[:6]], numbered=False), picture_pdf(scan(), 2), pdf([NOTICE[6:]], numbered=False)):
        whole.import_pages(PdfDocument(data))
    buffer = BytesIO()
    whole.save(buffer)
    intake = read(buffer.getvalue(), "a.pdf", ocr=False)
    (notice,) = [each for each in intake.notices if each.level == "skipped"]
    assert "第 2、3 页" in notice.message
    assert "文字识别" in notice.hint
    assert intake.document.articles == 4


def test_a_scan_alone_says_what_to_do(read: Callable[..., Intake]) -> None:
    with pytest.raises(IntakeError) as caught:
        read(picture_pdf(scan(), 3), "a.pdf", ocr=False)
    assert caught.value.code == "scanned"
    assert "第 1、2、3 页" in caught.value.message
    assert "ocr" in caught.value.hint


def test_a_picture_is_read_like_a_page(read: Callable[..., Intake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.intake.read_image.picture_reader", lambda: lambda picture: list(WORDS))
    png = BytesIO()
    scan().save(png, "PNG")
    intake = read(png.getvalue(), "照片.png")
    assert intake.document.title == WORDS[0]
    assert (intake.kind, intake.pages) == ("image", 1)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("rapidocr") is None or not FONT.exists(), reason="extra ocr, fonts-noto-cjk"
)
def test_a_scan_is_read_within_the_limits() -> None:
    intake = take_in(picture_pdf(scan()), "扫描.pdf")
    assert "老人午餐每份12元" in intake.body
    assert intake.document.title == WORDS[0]
    assert "ocr" in {notice.code for notice in intake.notices}
