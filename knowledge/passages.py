"""A document's tree as passages: chapters, articles, sentences, and who is responsible."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from assistant.contracts import Document, FactKind, Passage
from knowledge.articles import Section, read_tree
from knowledge.departments import parse_departments
from knowledge.facts import fact_kinds, gives_orders
from knowledge.sentences import split_sentences
from knowledge.targets import find_targets


def document_passages(document: Document, body: str) -> tuple[list[Passage], int, int]:
    """All passages of a document, the number of its chapters, and of articles that have a number.

    Ids: ``plan#14`` is article 14, ``plan#14.1`` its first sentence, ``plan#14.department`` the line
    of who is responsible, ``plan#chapter-2`` a chapter's heading, ``plan#about-1`` the first
    paragraph around the articles. An article without a number of its own, or whose number comes
    twice, is ``plan#s3``: the third section. Numbers that don't run from 1 on count as none, for
    nobody can ask for 第十四条 then.
    """
    tree = read_tree(body)
    make = partial(
        Passage,
        doc=document.id,
        title=document.title,
        source=document.source,
        owner=document.owner,
        valid_from=document.valid_from,
        valid_until=document.valid_until,
        sample=document.sample,
    )
    out = [
        make(
            id=f"{document.id}#chapter-{order + 1}",
            kind="about",
            field="chapter",
            path=(document.title, chapter),
            order=order,
            text=chapter,
            gives_orders=gives_orders(chapter),
        )
        for order, chapter in enumerate(tree.chapters)
    ]
    numbers = [section.number for section in tree.sections if section.number is not None]
    counted = numbers == list(range(1, len(numbers) + 1))
    around = 0
    for order, section in enumerate(tree.sections):
        if section.around:
            around += 1
            out.append(
                make(
                    id=f"{document.id}#about-{around}",
                    kind="about",
                    field="notice",
                    path=(document.title,),
                    order=around,
                    text=section.body,
                    fact_kinds=fact_kinds(section.body),
                    gives_orders=gives_orders(section.body),
                )
            )
        else:
            number = section.number if counted else None
            key = f"s{order + 1}" if number is None else str(number)
            out += _article(make, f"{document.id}#{key}", section, number, order, document.title)
    return out, len(tree.chapters), len(numbers) if counted else 0


def _article(
    make: partial[Passage], article_id: str, section: Section, number: int | None, order: int, title: str
) -> Iterator[Passage]:
    body = section.body
    line, listed = section.responsible
    departments = parse_departments(listed)
    path = tuple(part for part in (title, section.chapter, section.heading.rstrip("。")) if part)
    make = partial(make, path=path, article=number, departments=departments)
    # As published: in the source, heading, body and responsible bodies are one paragraph.
    joint = "" if section.heading.endswith("。") else "\n"
    yield make(
        id=article_id,
        kind="article",
        order=order,
        text=joint.join(part for part in (section.heading, body + line) if part),
        fact_kinds=fact_kinds(body, departments),
        gives_orders=gives_orders(section.heading + body),
    )
    sentences = [sentence.strip() for sentence in split_sentences(body) if sentence.strip()]
    for index, sentence in enumerate(sentences or [section.heading]):
        yield make(
            id=f"{article_id}.{index + 1}",
            kind="sentence",
            order=index,
            parent=article_id,
            text=sentence,
            targets=find_targets(sentence),
            fact_kinds=fact_kinds(sentence, departments),
            gives_orders=gives_orders(sentence),
        )
    if departments:
        yield make(
            id=f"{article_id}.department",
            kind="field",
            field="department",
            order=len(sentences),
            parent=article_id,
            text=line,
            fact_kinds=(FactKind.DEPARTMENT,),
        )
