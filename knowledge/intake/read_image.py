"""A picture of a page as blocks, when a reader of pictures is installed."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from assistant.errors import IntakeError
from knowledge.intake.blocks import Block
from knowledge.intake.limits import Desk
from knowledge.intake.ocr import INSTALL, picture_reader
from knowledge.intake.values import Place

_LARGEST = 2_600  # pixels of the longer side as it is read


def read_image(data: bytes, desk: Desk) -> list[Block]:
    """Lines of the picture. Raises IntakeError when it is too large, broken, or nobody can read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is checked here, before anything is unpacked
            picture = Image.open(BytesIO(data))
            width, height = picture.size
            if width * height > desk.limits.pixels:
                raise _too_large(f"有 {width}×{height} 点，")
            reader = picture_reader() if desk.limits.ocr else None
            if reader is None:
                raise IntakeError("这是图片，里面的文字读不出来。", INSTALL, code="scanned")
            desk.progress(0, 1, "页")
            picture.draft("RGB", (_LARGEST, _LARGEST))
            picture.thumbnail((_LARGEST, _LARGEST))
            lines = reader(picture)
    except Image.DecompressionBombError as error:
        raise _too_large("") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise IntakeError("这张图片坏了，打不开。", "请重新拍照或扫描后再上传。", code="broken") from error
    desk.progress(1, 1, "页")
    desk.warn("ocr", "这是图片，文字是识别出来的。", "请对照原件核对数字和名字。")
    return [Block(desk.count(line), 0, Place(page=1), close=at > 0) for at, line in enumerate(lines)]


def _too_large(size: str) -> IntakeError:
    return IntakeError(f"这张图片{size}太大了，没有打开。", "请把它缩小到长边 4000 点以内再上传。", code="bomb")
