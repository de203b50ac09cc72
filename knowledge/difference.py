"""What one release says and another doesn't: passages paired and marked word by word, figures, dates, departments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal

from assistant.contracts import Document, Frozen, Passage
from knowledge.shelf import Shelf

ALIKE = 0.5  # share of words from which two passages are one that was changed
_WORD = re.compile(r"\d[\d,.]*%?|[A-Za-z]+|\s+|.", re.DOTALL)
_FACTS = ("phone", "hours", "where", "fee", "who", "documents", "steps")
_FRONT = ("title", "kind", "number", "issuer", "issued", "source", "owner", "valid_from", "valid_until", "sample")


class Mark(Frozen):
    """A run of words that both texts have, or one only."""

    kind: Literal["same", "removed", "added"]
    text: str


class PassageChange(Frozen):
    """One passage that came, went, or says something else."""

    kind: Literal["added", "removed", "changed"]
    id: str  # of the new one, of the old one when it was removed
    path: tuple[str, ...]
    before: str = ""
    after: str = ""
    marks: tuple[Mark, ...] = ()  # of a changed one, in reading order


class ValueChange(Frozen):
    """One value that is another now; empty means that there was, or is, none."""

    what: str  # a target's subject, a field of a card, or a field of a document
    before: str
    after: str
    passage_id: str = ""


class DocumentChange(Frozen):
    """All that changed in one document or file of cards."""

    kind: Literal["added", "removed", "changed"]
    id: str
    title: str
    passages: tuple[PassageChange, ...] = ()
    figures: tuple[ValueChange, ...] = ()  # targets with their amounts, and fields of cards
    fields: tuple[ValueChange, ...] = ()  # of the document: dates, owner, title …
    departments_added: tuple[str, ...] = ()
    departments_removed: tuple[str, ...] = ()
    phrasings_added: int = 0
    phrasings_removed: int = 0
    english_changed: int = 0


class Difference(Frozen):
    """All that is different in ``new``."""

    documents: tuple[DocumentChange, ...] = ()
    words: tuple[ValueChange, ...] = ()  # synonyms, referrals, names of departments

    @property
    def empty(self) -> bool:
        """Whether both say the same."""
        return not self.documents and not self.words


def difference(old: Shelf | None, new: Shelf) -> Difference:
    """From ``old`` (None: nothing was published) to ``new``; documents that are the same are not read."""
    before = {stored.document.id: stored for _, stored in old.stored()} if old else {}
    after = {stored.document.id: stored for _, stored in new.stored()}
    changes = []
    for doc in dict.fromkeys((*after, *before)):
        a, b = before.get(doc), after.get(doc)
        if a is None or b is None or a.key != b.key:
            found = _document(
                a.document if a else None,
                b.document if b else None,
                old.of(doc) if old and a else (),
                new.of(doc) if b else (),
            )
            if found is not None:
                changes.append(found)
    return Difference(documents=tuple(changes), words=tuple(_words(old, new)))


def _document(
    old: Document | None, new: Document | None, before: Sequence[Passage], after: Sequence[Passage]
) -> DocumentChange | None:
    pairs = _pairs(before, after)
    passages = tuple(change for a, b in pairs if (change := _passage(a, b)) is not None)
    names_before, names_after = _departments(before), _departments(after)
    asked_before, asked_after = _phrasings(before), _phrasings(after)
    known = new or old
    assert known is not None  # noqa: S101
    found = DocumentChange(
        kind="added" if old is None else "removed" if new is None else "changed",
        id=known.id,
        title=known.title,
        passages=passages,
        figures=tuple(_figures(pairs)),
        fields=tuple(_values(old, new, _FRONT)) if old and new else (),
        departments_added=tuple(n for n in names_after if n not in names_before),
        departments_removed=tuple(n for n in names_before if n not in names_after),
        phrasings_added=len(asked_after - asked_before),
        phrasings_removed=len(asked_before - asked_after),
        english_changed=sum(1 for a, b in pairs if a and b and a.english != b.english),
    )
    nothing = DocumentChange(kind="changed", id=known.id, title=known.title)
    return None if found == nothing else found


Pair = tuple[Passage | None, Passage | None]


def _pairs(before: Iterable[Passage], after: Iterable[Passage]) -> list[Pair]:
    """Old and new passages that belong together, in the order of the new; what went follows."""
    mine, theirs = [p for p in before if _counts(p)], [p for p in after if _counts(p)]
    partner: dict[str, Passage] = {}
    left = {p.id: p for p in mine}
    by_text: dict[tuple[str, str | None, str], list[Passage]] = {}
    for p in mine:
        by_text.setdefault((p.kind, p.field, p.text), []).append(p)
    for p in theirs:  # word for word the same, wherever it stands now
        found = by_text.get((p.kind, p.field, p.text))
        if found:
            same = next((each for each in found if each.id == p.id), found[0])
            found.remove(same)
            partner[p.id] = left.pop(same.id)
    for p in theirs:  # the same place, or the most alike of the same article
        if p.id in partner:
            continue
        near = [q for q in left.values() if (q.kind, q.field) == (p.kind, p.field)]
        best = max(near, key=lambda q: (_alike(q, p), q.id == p.id), default=None)
        if best is not None and (_alike(best, p) >= ALIKE or (p.field in _FACTS and best.id == p.id)):
            partner[p.id] = left.pop(best.id)
    return [*((partner.get(p.id), p) for p in theirs), *((p, None) for p in left.values())]


def _counts(passage: Passage) -> bool:
    """An article's sentences stand for it."""
    return passage.kind != "article" and passage.field != "department"


def _alike(a: Passage, b: Passage) -> float:
    first, second = _WORD.findall(a.text), _WORD.findall(b.text)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE else 0.0


def _passage(a: Passage | None, b: Passage | None) -> PassageChange | None:
    if a is None and b is not None:
        return PassageChange(kind="added", id=b.id, path=b.path, after=b.text)
    if b is None and a is not None:
        return PassageChange(kind="removed", id=a.id, path=a.path, before=a.text)
    if a is None or b is None or a.text == b.text:
        return None
    return PassageChange(
        kind="changed", id=b.id, path=b.path, before=a.text, after=b.text, marks=tuple(marks(a.text, b.text))
    )


def marks(before: str, after: str) -> list[Mark]:
    """Both texts as runs of words: numbers and Latin words whole, Chinese by character."""
    a, b = _WORD.findall(before), _WORD.findall(after)
    out: list[Mark] = []
    for tag, i, j, k, n in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            out.append(Mark(kind="same", text="".join(a[i:j])))
            continue
        if i < j:
            out.append(Mark(kind="removed", text="".join(a[i:j])))
        if k < n:
            out.append(Mark(kind="added", text="".join(b[k:n])))
    return out


def _figures(pairs: Sequence[Pair]) -> Iterable[ValueChange]:
    """Amounts of targets, and fields of cards, that are others now."""
    for a, b in pairs:
        known = b or a
        if known is None:
            continue
        if known.field in _FACTS and known.kind == "field":
            before, after = a.text if a else "", b.text if b else ""
            if before != after:
                yield ValueChange(what=f"{known.title} {known.field}", before=before, after=after, passage_id=known.id)
            continue
        if known.kind == "card" and a is not None and b is not None:
            yield from _values(a, b, ("title", "owner", "source", "valid_from", "valid_until"), f"{known.title} ", b.id)
        old = {t.subject: t for t in a.targets} if a else {}
        new = {t.subject: t for t in b.targets} if b else {}
        for subject in dict.fromkeys((*new, *old)):
            was, now = old.get(subject), new.get(subject)
            shown = [f"{t.qualifier}{t.quantity:g}{t.unit} {t.deadline}".strip() if t else "" for t in (was, now)]
            if shown[0] != shown[1]:
                yield ValueChange(what=subject, before=shown[0], after=shown[1], passage_id=known.id)


def _values(
    old: Document | Passage, new: Document | Passage, names: Sequence[str], prefix: str = "", id_: str = ""
) -> Iterable[ValueChange]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            shown = ["" if value is None else str(value) for value in (before, after)]
            yield ValueChange(what=f"{prefix}{name}", before=shown[0], after=shown[1], passage_id=id_)


def _departments(passages: Sequence[Passage]) -> list[str]:
    return list(dict.fromkeys(name for p in passages for name in p.departments))


def _phrasings(passages: Sequence[Passage]) -> set[tuple[str, str]]:
    return {(p.text, phrasing) for p in passages for phrasing in p.phrasings}


def _words(old: Shelf | None, new: Shelf) -> Iterable[ValueChange]:
    """Word lists, entry by entry."""
    was = old.words if old else None
    now = new.words
    lists = (
        ("synonyms", [" ".join(g) for g in was.synonyms] if was else [], [" ".join(g) for g in now.synonyms]),
        ("departments", _names(was.department_names) if was else [], _names(now.department_names)),
        (
            "departments in English",
            [f"{k}: {v}" for k, v in was.department_english.items()] if was else [],
            [f"{k}: {v}" for k, v in now.department_english.items()],
        ),
        (
            "referrals",
            [f"{r.topic} → {r.hotline}: {'、'.join(r.phrasings)}" for r in was.referrals] if was else [],
            [f"{r.topic} → {r.hotline}: {'、'.join(r.phrasings)}" for r in now.referrals],
        ),
    )
    for what, before, after in lists:
        gone, come = set(before) - set(after), set(after) - set(before)
        yield from (ValueChange(what=what, before=line, after="") for line in before if line in gone)
        yield from (ValueChange(what=what, before="", after=line) for line in after if line in come)


def _names(table: dict[str, tuple[str, ...]]) -> list[str]:
    return [f"{name}: {'、'.join(others)}" for name, others in table.items()]
