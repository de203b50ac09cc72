"""Looks into a docx or xlsx before anything is unpacked: bombs, outside paths, passwords, entities."""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO
from typing import IO

from assistant.errors import IntakeError
from knowledge.intake.limits import MIB, Desk

_DECLARED = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_EXTERNAL = re.compile(rb'TargetMode\s*=\s*["\']External["\']', re.IGNORECASE)
_ENCODING = re.compile(rb'<\?xml[^>]*encoding\s*=\s*["\']([^"\']+)')
_CHUNK = 2**18
_HINT = "请用 Word、Excel 或 WPS 打开原文件，另存一份再上传。如果是别人发来的文件，请先问清来历。"


def check_archive(data: bytes, desk: Desk) -> None:
    """Raises IntakeError when unpacking would be dangerous; notes what will be left out.

    Sizes are checked as declared: the unpacker never reads more of a part than it declares.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check(archive, len(data), desk)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise IntakeError("这个文件坏了，打不开。", _HINT, code="broken") from error
    except RuntimeError as error:  # zipfile's word for a password
        raise IntakeError(
            "这个文件加了密码，读不了。", "请打开它，取消密码后保存，再上传。", code="encrypted"
        ) from error


def _check(archive: zipfile.ZipFile, size: int, desk: Desk) -> None:
    parts = archive.infolist()
    limits = desk.limits
    if len(parts) > limits.parts:
        raise IntakeError(f"这个文件里面有 {len(parts)} 个部分，太多了，不像正常文档。", _HINT, code="bomb")
    total = 0
    for part in parts:
        if part.flag_bits & 0x1:
            raise RuntimeError("password")
        if part.filename.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", part.filename) or ":" in part.filename:
            raise IntakeError("这个文件里面的路径指向外面，不像正常文档，没有打开。", _HINT, code="path")
        total += part.file_size
        packed = max(1, part.compress_size)
        if part.file_size > MIB and part.file_size / packed > limits.ratio:
            _bomb(part.file_size)
    if total > limits.unpacked:
        _bomb(total)
    if total > MIB and total / size > limits.ratio:
        _bomb(total)
    seen: set[str] = set()
    for part in parts:
        lower = part.filename.lower()
        if lower in seen:
            raise IntakeError("这个文件里面有两个同名的部分，不像正常文档，没有打开。", _HINT, code="broken")
        seen.add(lower)
        if lower.endswith((".xml", ".rels", ".vml")):
            with archive.open(part) as file:
                _check_xml(file, desk)
    if any(re.search(r"/embeddings/|/activex/", name) for name in seen):
        desk.warn("embedded", "文件里嵌着别的文件或控件，没有读它们。", "如果里面有要用的内容，请单独上传。")


def _bomb(size: int) -> None:
    raise IntakeError(
        f"这个文件解开后有 {size / MIB:.0f} MB，大得不正常，没有打开。",
        "如果是很大的表格，请分成几份，每份不超过两万行；如果是别人发来的文件，请先问清来历。",
        code="bomb",
    )


def _check_xml(file: IO[bytes], desk: Desk) -> None:
    """OOXML has no document types; one that declares entities is an attack, in any encoding."""
    before = b""
    while chunk := file.read(_CHUNK):
        if not before:
            _check_start(chunk)
        window = before[-64:] + chunk.replace(b"\x00", b"")  # UTF-16 and UTF-32 hide nothing
        if _DECLARED.search(window):
            raise IntakeError("这个文件里面夹带了外部实体声明，可能有害，没有打开。", _HINT, code="entities")
        if _EXTERNAL.search(window) and not any(each.code == "external" for each in desk.notices):
            desk.note("external", "文件里有指向外面的链接，只留下了文字，没有打开链接。")
        before = window


def _check_start(head: bytes) -> None:
    plain = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    named = _ENCODING.match(plain)
    known = named is None or named.group(1).lower() in (b"utf-8", b"utf-16", b"us-ascii", b"ascii")
    if not plain.startswith(b"<") or not known:
        raise IntakeError("这个文件坏了，里面的内容不是正常格式。", _HINT, code="broken")
