"""What a file really is, by its content; what can't be taken in is refused with a way out."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from io import BytesIO

from assistant.errors import IntakeError
from knowledge.intake.decode import decode
from knowledge.intake.limits import MIB, Desk, Limits
from knowledge.intake.values import Kind

LONGEST_NAME = 80
_SUFFIXES: dict[str, Kind] = {
    "md": "markdown",
    "markdown": "markdown",
    "txt": "text",
    "html": "html",
    "htm": "html",
    "docx": "docx",
    "pdf": "pdf",
    "xlsx": "xlsx",
    "csv": "csv",
    "tsv": "csv",
    "png": "image",
    "jpg": "image",
    "jpeg": "image",
    "bmp": "image",
    "tif": "image",
    "tiff": "image",
    "webp": "image",
}
LABELS: dict[Kind, str] = {
    "markdown": "Markdown 文本",
    "text": "纯文本",
    "html": "网页",
    "docx": "Word 文档",
    "pdf": "PDF",
    "xlsx": "Excel 表格",
    "csv": "CSV 表格",
    "image": "图片",
}
_ACCEPTED = "可以上传的有：.md、.txt、.html、.docx、.pdf、.xlsx、.csv。"
_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*", b"GIF8")
_OTHERS = {
    b"MZ": "Windows 程序",
    b"\x7fELF": "Linux 程序",
    b"Rar!": "RAR 压缩包",
    b"7z\xbc\xaf": "7z 压缩包",
    b"\x1f\x8b": "gzip 压缩包",
    b"BZh": "bzip2 压缩包",
    b"\xfd7zXZ": "xz 压缩包",
    b"SQLite format 3": "数据库文件",
    b"ID3": "声音文件",
    b"OggS": "声音文件",
    b"fLaC": "声音文件",
    b"#!/": "程序脚本",
}
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|div|p|table|h[1-6]|script|article|section|ul|span|title|iframe|style)\b",
    re.IGNORECASE | re.DOTALL,
)


def safe_name(name: str) -> str:
    """The bare file name: no folders, no characters that direct or hide, never empty."""
    bare = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    bare = "".join(c for c in bare if unicodedata.category(c)[0] not in "CZ" or c == " ")
    bare = re.sub(r'[<>:"|?*]', "_", bare).strip(" .")
    if len(bare) > LONGEST_NAME:
        stem, dot, suffix = bare.rpartition(".")
        bare = f"{stem[: LONGEST_NAME - 10]}{dot}{suffix[:8]}" if dot else bare[:LONGEST_NAME]
    if re.fullmatch(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", bare, re.IGNORECASE):
        bare = f"_{bare}"
    return bare or "未命名"


def check_size_of(size: int, limits: Limits) -> None:
    """Raises IntakeError for an empty file and one over the limit."""
    if size == 0:
        raise IntakeError("这个文件是空的。", "请打开看一看内容，保存后再上传。", code="empty")
    if size > limits.file:
        raise IntakeError(
            f"这个文件有 {size / MIB:.0f} MB，超过了 {limits.file // MIB} MB 的上限。",
            "请把它分成几个小文件，或者先压缩里面的图片，再上传。",
            code="too_big",
        )


def sniff(data: bytes, name: str, desk: Desk) -> Kind:
    """The kind of file by content; a name that says something else is noted.

    Raises IntakeError for kinds that can't be taken in, saying what to save the file as.
    """
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    named = _SUFFIXES.get(suffix)
    kind = _binary(data, suffix) or _textual(data, named, desk)
    if named and named != kind and {named, kind} != {"markdown", "text"}:
        desk.warn(
            "wrong_extension",
            f"文件名写的是 .{suffix}，里面其实是{LABELS[kind]}，已经按{LABELS[kind]}来读。",
            "如果读出来不对，请检查是不是传错了文件。",
        )
    return kind


def _binary(data: bytes, suffix: str) -> Kind | None:
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK"):
        return _zipped(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse_old_office(data, suffix)
    if data.startswith(b"{\\rtf"):
        raise IntakeError(
            "这是 RTF 文档，不能直接上传。",
            "请用 Word 或 WPS 打开，另存为 .docx 再上传。",
            code="unsupported",
        )
    if data.startswith(_IMAGES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return "image"
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise IntakeError(f"这是{what}，不是文档。", f"请上传文档本身。{_ACCEPTED}", code="unsupported")
    return None


def _zipped(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
            first = archive.infolist()[0] if names else None
            is_open = first is not None and first.filename == "mimetype"
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError, OSError) as error:
        raise IntakeError(
            "这个文件坏了，打不开。", "请用 Word、Excel 或 WPS 打开原文件，重新保存后再上传。", code="broken"
        ) from error
    if any(each.lower().endswith("vbaproject.bin") for each in names):
        raise IntakeError(
            "这个文件里带有宏（小程序），不能上传。",
            "请用 Word 或 Excel 打开，另存为不带宏的 .docx 或 .xlsx 再上传。",
            code="macro",
        )
    if "word/document.xml" in names or any(re.fullmatch(r"word/document\d*\.xml", each) for each in names):
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if is_open:
        raise IntakeError(
            "这是 OpenDocument 文件，不能直接上传。", "请另存为 .docx 或 .xlsx 再上传。", code="unsupported"
        )
    if "xl/workbook.bin" in names:
        raise IntakeError("这是 .xlsb 表格，不能直接上传。", "请在 Excel 里另存为 .xlsx 再上传。", code="unsupported")
    raise IntakeError("这是压缩包，不是文档。", f"请先解压，再一个一个上传里面的文件。{_ACCEPTED}", code="unsupported")


def _refuse_old_office(data: bytes, suffix: str) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data or "EncryptionInfo".encode("utf-16-le") in data:
        raise IntakeError(
            "这个文件加了密码，读不了。",
            "请打开它，取消密码后保存，再上传。",
            code="encrypted",
        )
    sheet = suffix.startswith("xls") or "Workbook".encode("utf-16-le") in data
    new = ".xlsx" if sheet else ".docx"
    raise IntakeError(
        f"这是旧格式的 Office 文件{f'（.{suffix}）' if suffix in ('doc', 'xls', 'ppt', 'wps', 'et') else ''}，不能直接上传。",
        f"请用 Word、Excel 或 WPS 打开，另存为 {new} 再上传。",
        code="unsupported",
    )


def _textual(data: bytes, named: Kind | None, desk: Desk) -> Kind:
    text = decode(data[:65536], None)
    if _HTML.match(text) or (named == "html" and "<" in text):
        return "html"
    if named in ("csv", "markdown", "text"):
        return named
    if re.search(r"^#{1,6} \S|\A---\r?\n", text, re.MULTILINE):
        return "markdown"
    if named == "html":
        desk.warn("no_html", "文件里没有网页标记，已按纯文本来读。")
    return "text"
