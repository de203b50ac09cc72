"""The passages of a document as a tree to show: document, chapters, articles, sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from assistant.contracts import Document, Passage
from knowledge.intake.values import Node


def document_tree(document: Document, passages: Sequence[Passage]) -> Node:
    """Chapters hold their articles, articles their sentences, cards their fields; loose text stands first."""
    children: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        if passage.parent:
            children[passage.parent].append(passage)
    chapters = {p.text: p for p in passages if p.field == "chapter"}
    of_chapter: dict[str, list[Node]] = defaultdict(list)
    top: list[Node] = []
    for passage in passages:
        if passage.parent or passage.field == "chapter":
            continue
        node = _node(passage, children[passage.id])
        chapter = next((part for part in passage.path[1:] if part in chapters), "")
        (of_chapter[chapter] if chapter else top).append(node)
    parts = [
        Node(kind="chapter", title=text, passage=passage.id, children=tuple(of_chapter[text]))
        for text, passage in chapters.items()
    ]
    return Node(kind="document", title=document.title, passage="", children=(*top, *parts))


def _node(passage: Passage, below: Sequence[Passage]) -> Node:
    leaves = tuple(
        Node(kind="field" if each.kind == "field" else "sentence", title=each.text, passage=each.id) for each in below
    )
    heading = passage.path[-1] if passage.kind == "article" and len(passage.path) > 1 else passage.text[:60]
    kind = passage.kind if passage.kind in ("article", "card", "about") else "about"
    return Node.model_validate(
        {
            "kind": kind,
            "title": passage.title
            if passage.kind == "card"
            else heading
            if passage.kind == "article"
            else passage.text,
            "number": passage.article,
            "passage": passage.id,
            "children": leaves,
        }
    )
