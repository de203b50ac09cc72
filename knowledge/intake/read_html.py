"""A web page as blocks: only its visible words; scripts, frames and forms are dropped."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from assistant.errors import IntakeError
from knowledge.intake.blocks import Block, Grid, plain
from knowledge.intake.limits import Desk
from knowledge.intake.values import Place

DEEPEST = 500  # elements open at once; pages that people write have some thirty

_DROPPED = frozenset(
    "script style iframe frame object embed applet template noscript svg math canvas form textarea select button "
    "input head link meta base audio video source track portal dialog nav".split()
)
_BLOCKS = frozenset(
    "p div section article main header footer aside ul ol li dl dt dd pre blockquote figure figcaption address "
    "body html center hr details summary fieldset".split()
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
# Never left open: either they have no content, or the next one closes them.
_CLOSED = frozenset("p li dd dt tr td th thead tbody tfoot option br hr img input meta link col wbr area base".split())
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])|text-indent\s*:\s*-\d{3,}",
    re.IGNORECASE,
)


class _Page:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.words: list[str] = []
        self.dropped: dict[str, int] = {}
        self.hidden: list[str] = []
        self.images = 0

    def flush(self, level: int = 0) -> None:
        """End the paragraph or heading that is open."""
        for line in "".join(self.words).split("\n"):
            if text := plain(line):
                self.blocks.append(Block(text, level, Place(line=len(self.blocks) + 1)))
        self.words.clear()

    def walk(self, root: LexborNode) -> None:
        """Depth first without recursion: a stack of nodes, and of headings to end (None)."""
        stack: list[tuple[LexborNode | None, str]] = [(root, "")]
        while stack:
            node, after = stack.pop()
            if node is None:
                self.flush(int(after or 0))
                continue
            tag = (node.tag or "").lower()
            if tag == "-text":
                self.words.append(re.sub(r"\s+", " ", node.text_content or ""))
            elif tag.startswith(("-", "!")):
                continue  # comments and declarations
            elif tag in _DROPPED:
                self.dropped[tag] = self.dropped.get(tag, 0) + 1
            elif _is_hidden(node):
                if words := plain(node.text(deep=True)):
                    self.hidden.append(words[:200])
            elif tag == "br":
                self.words.append("\n")
            elif tag == "img":
                self.images += 1
            elif tag == "table" and not node.css_first("table table"):
                self.flush()
                self._table(node)
            else:
                level = tag[1:] if re.fullmatch(r"h[1-6]", tag) else ""
                if level or tag in _BLOCKS or tag in ("tr", "caption"):
                    self.flush()
                    stack.append((None, level))
                elif tag in ("td", "th"):
                    self.words.append(" ")
                children = []
                child = node.first_child
                while child is not None:
                    children.append((child, ""))
                    child = child.next
                stack.extend(reversed(children))

    def _table(self, table: LexborNode) -> None:
        rows: list[list[str]] = []
        caption = table.css_first("caption")
        for row in table.css("tr"):
            cells: list[str] = []
            for cell in row.css("td, th"):
                for unwanted in cell.css(", ".join(sorted(_DROPPED))):
                    unwanted.decompose()
                text = plain(cell.text(deep=True, separator=" "))
                span = cell.attributes.get("colspan") or "1"
                cells.append(text)
                cells += [""] * (min(int(span), 60) - 1 if span.isdigit() and span.isascii() else 0)
            if any(cells):
                rows.append(cells)
        if len(rows) == 1 or (rows and max(map(len, rows)) == 1):  # a layout, not a table
            for cells in rows:
                self.blocks += [Block(cell, place=Place(line=len(self.blocks) + 1)) for cell in cells if cell]
        elif rows:
            before = self.blocks[-1].text if self.blocks else ""
            words = plain(caption.text(deep=True)) if caption else before if len(before) <= 40 else ""
            self.blocks.append(Block(place=Place(line=len(self.blocks) + 1), grid=Grid(rows, words)))


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN.search(attributes.get("style") or ""))
    )


def read_html(text: str, desk: Desk) -> list[Block]:
    """Headings, paragraphs and tables of the page; what was dropped is noted.

    Raises IntakeError for elements nested so deep that parsing would take minutes.
    """
    _check_depth(text)
    parser = LexborHTMLParser(text)
    page = _Page()
    if parser.body is not None:
        page.walk(parser.body)
    page.flush()
    code = sum(
        page.dropped.get(tag, 0) for tag in ("script", "style", "iframe", "frame", "object", "embed", "applet", "svg")
    )
    scripts = len(parser.css("script")) + len(parser.css("iframe"))
    if code or scripts:
        desk.warn("html_dropped", f"网页里的程序和嵌入内容（{max(code, scripts)} 处）已经去掉，只留下文字。")
    if page.hidden:
        desk.warn(
            "hidden",
            f"网页里有 {len(page.hidden)} 处看不见的文字，没有收进来：“{page.hidden[0][:40]}”。",
            "请看一看是不是有人做了手脚。",
        )
    if page.images:
        desk.note("images", f"有 {page.images} 张图片，图片没有收进来。", "如果图片里有文字，请打成文字补上。")
    return page.blocks


def _check_depth(text: str) -> None:
    open_tags: dict[str, int] = {}
    depth = 0
    for match in _TAG.finditer(text):
        tag = match.group(2).lower()
        if tag in _CLOSED:
            continue
        if not match.group(1):
            open_tags[tag] = open_tags.get(tag, 0) + 1
            depth += 1
        elif open_tags.get(tag):
            open_tags[tag] -= 1
            depth -= 1
        if depth > DEEPEST:
            raise IntakeError(
                "这个网页嵌套得太深，不像正常网页，没有打开。",
                "请把网页里的正文复制出来，用“粘贴”的办法收进来。",
                code="too_deep",
            )
