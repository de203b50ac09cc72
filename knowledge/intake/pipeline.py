"""From the bytes of a file to its preview: read, clean, split, detect, compare. Runs where it is called."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Literal

from assistant.contracts import Document, Frozen, Passage
from assistant.errors import IntakeError
from knowledge.cards import Card, card_passages
from knowledge.facts import gives_orders
from knowledge.intake.blocks import Block, Grid
from knowledge.intake.cleaning import Cleaner, clean_blocks
from knowledge.intake.compare import compare
from knowledge.intake.days import find_dates
from knowledge.intake.decode import decode
from knowledge.intake.departments import find_departments
from knowledge.intake.front import find_title, make_document, propose
from knowledge.intake.limits import Desk
from knowledge.intake.personal import find_personal
from knowledge.intake.read_docx import read_docx
from knowledge.intake.read_html import read_html
from knowledge.intake.read_image import read_image
from knowledge.intake.read_pdf import read_pdf
from knowledge.intake.read_sheet import Rows, read_csv, read_xlsx
from knowledge.intake.read_text import read_markdown, read_text
from knowledge.intake.sniff import check_size_of, safe_name, sniff
from knowledge.intake.tables import read_grid, table_cards, table_sentences
from knowledge.intake.tree_view import document_tree
from knowledge.intake.values import CardDraft, FoundTarget, Intake, Kind, Order, PersonalData, Place, Table
from knowledge.passages import document_passages

_NUMBERED = re.compile(r"[(（][一二三四五六七八九十百]+[)）][^。，,；;]{2,40}。")
_MARKED = re.compile(r"[(（]?[一二三四五六七八九十百\d]+[)）、.．]|第[一二三四五六七八九十百\d]+[章条]")
_OPEN = "待填"  # who keeps a card right, until staff say it
_ASKED = re.compile(r"(?:Q|q|问|问题|提问)\s*\d{0,3}\s*[:：.、]\s*(.{4,80}[?？])")
_ANSWERED = re.compile(r"(?:A|a|答|回答|答复)\s*\d{0,3}\s*[:：.、]\s*(.+)", re.DOTALL)
_GUIDE = "填写说明"  # the template's second sheet


class Options(Frozen):
    """What staff choose beforehand; ``owner`` and ``source`` fill what the file leaves open."""

    tables: Literal["cards", "sentences"] = "cards"  # what becomes of tables whose header allows cards
    owner: str = ""
    source: str = ""


def read_file(
    data: bytes,
    name: str,
    desk: Desk,
    options: Options | None = None,
    published: Iterable[Passage] = (),
    published_count: int = 0,
) -> Intake:
    """The preview of one file. ``published`` is read once, for duplicates and contradictions.

    Raises IntakeError, in Chinese, for what can't be taken in.
    """
    options = options or Options()
    bare = safe_name(name)
    if bare != name.strip():
        desk.note("name", f"文件名里有路径或特殊字符，已改为“{bare}”。")
    check_size_of(len(data), desk.limits)
    kind = sniff(data, bare, desk)
    reading = _Reading(kind, bare, hashlib.sha256(data).hexdigest(), len(data), options, desk)
    reading.read(data)
    return reading.preview(published, published_count)


class _Reading:
    """One file on its way."""

    def __init__(self, kind: Kind, name: str, digest: str, size: int, options: Options, desk: Desk) -> None:
        self.kind, self.name, self.digest, self.size = kind, name, digest, size
        self.options, self.desk = options, desk
        self.cleaner = Cleaner(desk)
        self.blocks: list[Block] = []
        self.given: dict[str, str] = {}
        self.numbers: dict[int, list[int]] = {}  # row numbers of a grid, by id
        self.pages = 0

    def read(self, data: bytes) -> None:
        """Blocks of the file, cleaned."""
        desk, kind = self.desk, self.kind
        if kind == "pdf":
            self.blocks, self.pages = read_pdf(data, desk)
        elif kind == "docx":
            self.blocks = read_docx(data, desk)
        elif kind == "image":
            self.blocks, self.pages = read_image(data, desk), 1
        elif kind in ("xlsx", "csv"):
            for rows in read_xlsx(data, desk) if kind == "xlsx" else read_csv(data, desk):
                self._sheet(rows)
        elif kind == "html":
            self.blocks = read_html(decode(data, desk), desk)
        elif kind == "markdown":
            self.blocks, self.given = read_markdown(decode(data, desk), desk)
            self.given = {key: self.cleaner.clean(value, Place(line=1)) for key, value in self.given.items()}
        else:
            self.blocks = read_text(decode(data, desk), desk)
        self.blocks = clean_blocks(self.blocks, self.cleaner, desk)
        if not self.blocks:
            self._nothing()

    def _sheet(self, rows: Rows) -> None:
        if rows.name == _GUIDE:
            return
        grid = Grid([cells for _, cells in rows.rows], rows.name)
        self.numbers[id(grid)] = [number for number, _ in rows.rows]
        if rows.name and not rows.name.lower().startswith("sheet"):
            self.blocks.append(Block(rows.name, 2, Place(sheet=rows.name)))
        self.blocks.append(Block(place=Place(sheet=rows.name), grid=grid))

    def _nothing(self) -> None:
        scanned = next((each for each in self.desk.notices if each.code in ("scanned", "no_text_map")), None)
        if scanned is not None:
            raise IntakeError(f"这个文件里没有能读的文字：{scanned.message}", scanned.hint, code="scanned")
        named = "；".join(str(each) for each in self.desk.notices if each.level == "skipped")
        raise IntakeError(f"这个文件里没有读到文字。{named}", "请打开看一看内容，或者换一种格式再上传。", code="empty")

    def preview(self, published: Iterable[Passage], published_count: int) -> Intake:
        """Everything that staff see before they decide."""
        desk = self.desk
        title = find_title(self.blocks, self.given.get("title", ""), desk)
        tables, cards, body = self._compose()
        listed = [table for table in tables if table.used_as == "cards"]
        if listed and not cards:
            desk.warn("no_rows", "这张卡片表里还没有填写任何一行。", "请从第三行开始填写，再上传。")
        elif self.kind in ("xlsx", "csv") and tables and not listed:
            desk.note(
                "no_cards",
                "这张表的表头不像服务卡片（要有“名称”，还要有地址、时间、电话、收费之一），已按普通表格读成句子。",
                "如果是服务卡片，请下载模板填写。",
            )
        given = {"owner": self.options.owner, "source": self.options.source} | {
            k: v for k, v in self.given.items() if v
        }
        draft = Document(id="draft", title=title or self.name)
        dates = find_dates(document_passages(draft, body)[0] if body else (), body)
        front = propose(self.blocks, title, given, dates, self.name)
        document = make_document(front, self.digest, cards=bool(cards) and not body)
        passages: list[Passage] = []
        if body:
            passages, chapters, articles = document_passages(document, body)
            document = document.model_copy(update={"chapters": chapters, "articles": articles})
        passages += _card_passages(document, cards)
        desk.progress(0, max(1, published_count), "条")
        compared = compare(passages, published, desk, published_count)
        overlaps = tuple(
            each.model_copy(update={"same_document": each.doc == document.id or each.title in document.title})
            for each in compared.overlaps
        )
        self._warn_of_cards(cards)
        return Intake(
            name=self.name,
            kind=self.kind,
            digest=self.digest,
            size=self.size,
            pages=self.pages,
            rows=sum(len(table.rows) for table in tables),
            document=document,
            front=tuple(front),
            body=body,
            tree=document_tree(document, passages),
            passages=tuple(passages),
            cards=tuple(cards),
            tables=tuple(tables),
            changes=self.cleaner.changes(),
            dates=tuple(find_dates(passages, body)),
            departments=tuple(find_departments(passages, compared.departments)),
            targets=tuple(FoundTarget(passage=p.id, target=t) for p in passages for t in p.targets),
            personal=tuple(_personal(body, passages, cards)),
            orders=tuple(_orders(passages, title)),
            duplicates=compared.duplicates,
            contradictions=compared.contradictions,
            overlaps=overlaps,
            notices=tuple(desk.notices),
        )

    def _compose(self) -> tuple[list[Table], list[CardDraft], str]:
        """Tables, cards, and the body as Markdown, in which other tables are sentences."""
        tables: list[Table] = []
        cards: list[CardDraft] = []
        taken: dict[str, str] = {}
        defaults = {"owner": self.options.owner, "source": self.options.source}
        lines: list[str] = []
        for block, following in zip_longest(self.blocks, self.blocks[1:]):
            if block.grid is None:
                _read_question(block)
                level = block.level or (3 if _is_heading(block, following) else 0)
                gap = "" if block.close and not level and lines else "\n"
                lines.append(gap + (f"{'#' * level} " if level else "") + block.text)
                continue
            numbers = self.numbers.get(id(block.grid))
            table = read_grid(block.grid, block.place)
            if table is None:
                lines += ["\n" + "，".join(cell for cell in row if cell) for row in block.grid.rows if any(row)]
                continue
            if self.options.tables == "sentences":
                table = table.model_copy(update={"used_as": "sentences"})
            if table.used_as == "cards":
                rows = numbers[-len(table.rows) :] if numbers else None
                made = table_cards(table, taken, defaults, rows)
                if self.kind in ("xlsx", "csv") or any(not card.problems for card in made):
                    cards += made
                    tables.append(table)
                    continue
                self._no_cards(table, made)
                table = table.model_copy(update={"used_as": "sentences"})
            tables.append(table)
            lines += ["\n" + sentence for sentence in table_sentences(table)]
        text = "\n".join(lines).strip()
        has_text = any(not line.strip().startswith("#") for line in text.split("\n") if line.strip())
        return tables, cards, f"{text}\n" if has_text else ""

    def _no_cards(self, table: Table, made: Sequence[CardDraft]) -> None:
        what = next((problem for card in made for problem in card.problems), "")
        self.desk.note(
            "could_be_cards",
            f"这张表像服务卡片，但每一行都缺东西（{what}），已先读成句子。",
            "要做成卡片，请下载模板填写。",
            table.place,
        )

    def _warn_of_cards(self, cards: Sequence[CardDraft]) -> None:
        for draft in cards:
            if draft.problems:
                name = f"“{draft.name}”" if draft.name else ""
                what = "；".join(draft.problems)
                self.desk.skip(
                    "bad_row", f"{name}这一行没有做成卡片：{what}。", "改好后重新上传，其他行不受影响。", draft.place
                )


def _read_question(block: Block) -> None:
    """问：几点开门？ becomes a heading, 答：七点。 the text below it."""
    if block.level == 0 and (asked := _ASKED.fullmatch(block.text)):
        block.text, block.level = asked.group(1), 3
    elif block.level == 0 and (answered := _ANSWERED.fullmatch(block.text)):
        block.text = answered.group(1)


def _is_heading(block: Block, following: Block | None) -> bool:
    """(一)补齐短板。 alone in its line, with its text below it."""
    if not _NUMBERED.fullmatch(block.text) or following is None or following.grid is not None or following.level:
        return False
    return not _MARKED.match(following.text)


def _card_passages(document: Document, cards: Sequence[CardDraft]) -> list[Passage]:
    holder = document.model_copy(update={"id": f"{document.id}-cards" if document.kind != "cards" else document.id})
    open_fields = {"owner": document.owner or _OPEN, "source": document.source or _OPEN}
    return [
        passage
        for draft in cards
        if not draft.problems
        for passage in card_passages(holder, Card.model_validate(open_fields | draft.card))
    ]


def _personal(body: str, passages: Sequence[Passage], cards: Sequence[CardDraft]) -> Iterable[PersonalData]:
    """In the body, with the passage that holds it, and in the cards."""
    for found in find_personal(body):
        where = next((p.id for p in passages if p.kind in ("sentence", "about") and found.text in p.text), "")
        yield found.model_copy(update={"where": where})
    for draft in cards:
        for field, value in draft.card.items():
            for text in value if isinstance(value, list) else [value]:
                for found in find_personal(str(text)) if field != "id" else ():
                    hint = f"{draft.place}“{draft.name}”：{found.hint}"
                    yield found.model_copy(update={"card": f"{draft.card['id']}.{field}", "hint": hint})


def _orders(passages: Sequence[Passage], title: str) -> Iterable[Order]:
    if gives_orders(title):
        yield Order(text=title)
    for passage in passages:
        if passage.kind in ("sentence", "about", "card", "field") and passage.gives_orders:
            yield Order(text=passage.text, passage=passage.id)
    # An order that runs over two sentences shows in the article only.
    flagged = {passage.parent for passage in passages if passage.kind == "sentence" and passage.gives_orders}
    for passage in passages:
        if passage.kind == "article" and passage.gives_orders and passage.id not in flagged:
            yield Order(text=passage.text, passage=passage.id)
