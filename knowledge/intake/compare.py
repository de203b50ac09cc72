"""What a file repeats of what is published, and where it says another figure of the same fact."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.contracts import FactKind, Passage
from knowledge.intake.figures import Figure, figures, likeness, pairs, starts_otherwise, subject
from knowledge.intake.limits import Desk
from knowledge.intake.values import Contradiction, Duplicate, Overlap

NEAR = 0.85  # likeness from which two passages say the same
SAME_FACT = 0.6  # likeness of the words around two figures that speak of the same thing
_SHORTEST = 8  # characters: shorter passages repeat by chance
_KINDS = ("sentence", "field", "about")
_PROGRESS = 2_000


@dataclass
class _Said:
    """A passage with what comparing needs."""

    passage: Passage
    plain: str
    pairs: frozenset[str]
    subject: frozenset[str]
    figures: list[Figure] | None = None

    def said(self) -> list[Figure]:
        if self.figures is None:
            self.figures = figures(self.passage.text)
        return self.figures


@dataclass(frozen=True)
class Comparison:
    """What comparing found, in the order of the file."""

    duplicates: tuple[Duplicate, ...]
    contradictions: tuple[Contradiction, ...]
    overlaps: tuple[Overlap, ...]
    departments: frozenset[str]  # named by what is published


def compare(passages: Sequence[Passage], published: Iterable[Passage], desk: Desk, total: int = 0) -> Comparison:
    """Compare the file's passages with all published ones, which are read once and not kept.

    Two passages are one another's duplicate from ``NEAR`` on. A contradiction is the same sort of
    figure with other values, said with the same words; figures for different years don't
    contradict each other, nor do those of a sentence that is published word for word.
    """
    own = [_said(passage) for passage in passages if passage.kind in _KINDS and passage.field != "chapter"]
    index = _index(own)
    copies: dict[int, Duplicate] = {}
    against: dict[int, list[Contradiction]] = defaultdict(list)
    departments: set[str] = set()
    for at, passage in enumerate(published):
        if at % _PROGRESS == 0:
            desk.progress(at, max(at, total), "条")
        departments.update(passage.departments)
        if passage.kind not in _KINDS or passage.field == "chapter":
            continue
        other: _Said | None = None
        for number in _alike(pairs(passage.text), index, own):
            other = other or _said(passage)
            mine = own[number]
            like = likeness(mine.pairs, other.pairs)
            differing = list(_differing(mine, other))
            if mine.plain == other.plain:
                like = 1.0
            elif differing:
                against[number] += differing
            best = copies.get(number)
            if like >= NEAR and not differing and (best is None or like > best.similarity):
                copies[number] = _duplicate(mine.passage, passage, like)
    contradictions: list[Contradiction] = []
    for number, found in sorted(against.items()):
        if number in copies and copies[number].similarity == 1.0:
            continue
        contradictions += list({(each.published, each.kind, each.value): each for each in found}.values())[:5]
    return Comparison(
        tuple(copies[number] for number in sorted(copies)),
        tuple(contradictions),
        _overlaps(copies, own),
        frozenset(departments),
    )


def _said(passage: Passage) -> _Said:
    return _Said(passage, re.sub(r"\W", "", passage.text), pairs(passage.text), subject(passage.text))


def _index(own: list[_Said]) -> dict[str, list[int]]:
    """The file's passages by pair of characters, without pairs that tell nothing."""
    index: dict[str, list[int]] = defaultdict(list)
    for number, said in enumerate(own):
        for pair in said.pairs:
            index[pair].append(number)
    most = max(40, len(own) // 25)
    return {pair: numbers for pair, numbers in index.items() if len(numbers) <= most}


def _alike(theirs: frozenset[str], index: dict[str, list[int]], own: list[_Said]) -> list[int]:
    """Numbers of the file's passages that share a third of their pairs with these."""
    shared: Counter[int] = Counter()
    for pair in theirs:
        if pair in index:
            shared.update(index[pair])
    return [n for n, count in shared.items() if count >= 3 and count >= 0.3 * min(len(theirs), len(own[n].pairs))]


def _duplicate(mine: Passage, theirs: Passage, like: float) -> Duplicate:
    return Duplicate(
        passage=mine.id,
        text=mine.text,
        published=theirs.id,
        doc=theirs.doc,
        title=theirs.title,
        published_text=theirs.text,
        similarity=round(like, 3),
    )


def _differing(mine: _Said, theirs: _Said) -> Iterable[Contradiction]:
    """Facts that both passages state with different figures."""
    if theirs.passage.kind == "field" or mine.passage.kind == "field":
        if not _same_service(mine, theirs):
            return
        if mine.passage.field and mine.passage.field == theirs.passage.field:
            if mine.plain != theirs.plain:
                kind = theirs.passage.fact_kinds[0] if theirs.passage.fact_kinds else FactKind.GENERAL
                yield _contradiction(mine.passage, theirs.passage, kind, mine.passage.text, theirs.passage.text)
            return
    wide = likeness(mine.subject, theirs.subject)
    own_years, their_years = _years(mine), _years(theirs)
    same_period = not own_years or not their_years or bool(own_years & their_years)
    if wide < 0.85 and starts_otherwise(mine.passage.text, theirs.passage.text):
        return
    pairs_ = [(a, b) for a in mine.said() for b in theirs.said() if a.sort == b.sort and _same_fact(a, b, wide)]
    others_differ = {a.sort for a, b in pairs_ if a.values != b.values and a.sort != "date"}
    for a, b in pairs_:
        if a.values == b.values or any(set(a.values) <= set(f.values) for f in theirs.said() if f.sort == a.sort):
            continue
        if a.sort == "date" and (others_differ or set(a.values) & set(b.values)):
            continue  # another period with its own figures
        if a.sort != "date" and not same_period:
            continue
        yield _contradiction(mine.passage, theirs.passage, a.kind, a.shown, b.shown)


def _same_fact(a: Figure, b: Figure, wide: float) -> bool:
    near = likeness(a.words, b.words)
    smaller = min(len(a.words), len(b.words))
    if a.after and b.after and likeness(a.after, b.after) < 0.5:
        return False  # what is counted is another thing
    if bool(a.after) != bool(b.after) and near < 0.75:
        return False
    contained = len(a.words & b.words) / smaller if smaller else 0.0
    return (near >= SAME_FACT and smaller >= 2 and (wide >= 0.4 or smaller >= 5)) or (
        contained >= 0.85 and smaller >= 4 and wide >= 0.35
    )


def _same_service(mine: _Said, theirs: _Said) -> bool:
    """A card's field speaks of its own service only: its name must stand in the other passage."""
    for one, other in ((mine, theirs), (theirs, mine)):
        if one.passage.kind == "field" and one.passage.field != "department":
            name = pairs(one.passage.title)
            of = pairs(other.passage.title) if other.passage.kind == "field" else other.pairs
            if not name or len(name & of) / len(name) < 0.8:
                return False
            if other.passage.kind == "field" and likeness(name, of) < 0.8:
                return False
    return True


def _years(said: _Said) -> set[str]:
    return {
        value[:4]
        for figure in said.said()
        if figure.sort == "date"
        for value in figure.values
        if value[:2] in ("19", "20")
    }


def _contradiction(mine: Passage, theirs: Passage, kind: FactKind, value: str, other: str) -> Contradiction:
    return Contradiction(
        kind=kind,
        passage=mine.id,
        text=mine.text,
        value=value,
        published=theirs.id,
        doc=theirs.doc,
        title=theirs.title,
        published_text=theirs.text,
        published_value=other,
    )


def _overlaps(copies: dict[int, Duplicate], own: list[_Said]) -> tuple[Overlap, ...]:
    """Published documents that say a tenth or more of the file."""
    counted = sum(1 for said in own if len(said.plain) >= _SHORTEST)
    by_doc: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for number, copy in copies.items():
        if len(own[number].plain) >= _SHORTEST:
            by_doc[copy.doc] += 1
            titles[copy.doc] = copy.title
    return tuple(
        Overlap(doc=doc, title=titles[doc], share=round(count / counted, 3))
        for doc, count in by_doc.most_common(5)
        if count / counted >= 0.1
    )
