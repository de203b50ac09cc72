"""The verifier: nothing is shown or spoken that the cited words don't hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from assistant.answer.quantities import mispaired, quantities, unsourced, wrong_dates, wrong_units

# Shares of character pairs that neither evidence nor question nor stock wording holds.
MOST_UNSOURCED = 0.35

_DEPARTMENT = re.compile(
    r"(?:市|区|国家)[\u4e00-\u9fff]{2,12}?(?:局|委员会|委|办公室|办|厅|中心|总部)(?![\u4e00-\u9fff]*(?:店|点|馆))"
)
_NAMED = re.compile(r"[《“「]([^》”」]{2,40})[》”」]")
_LATIN_NAME = re.compile(r"\b[A-Z][A-Za-z]+(?:\s+[A-Z][A-Za-z]+)+\b|\b[A-Z]{2,}\b")


def problems(
    text: str,
    sources: Sequence[str],
    departments: Iterable[str] = (),
    question: str | None = None,
    stock: str = "",
) -> tuple[str, ...]:
    """What ``text`` says that ``sources`` don't, as machine words; empty when it may be shown.

    ``departments`` are all names known to the release. ``stock`` is wording of our own around the
    evidence. With ``question`` given the wording is checked too, and that every number stands
    beside the words that it belongs to, as for text a model wrote.
    """
    evidence = "\n".join((*sources, stock))
    said, held = quantities(text), quantities(evidence)
    values = {each.value for each in held}
    found = [f"number:{value:g}" for value in sorted({each.value for each in said} - values)]
    found += [f"unit:{each}" for each in wrong_units(said, held, strict=question is not None)]
    found += [f"date:{each}" for each in wrong_dates(text, evidence)]
    # Phones and codes count to the digit: 000-0001 is no 0 and 1.
    for code in re.findall(r"\d+(?:-\d+)+|(?<![\d.,])0\d{2,}", text):
        years = re.fullmatch(r"((?:19|20)\d\d)-((?:19|20)\d\d)", code)
        if code not in evidence and not (years and {float(y) for y in years.groups()} <= values):
            found.append(f"number:{code}")
    known = {name for name in departments if name in text} | set(_DEPARTMENT.findall(text))
    found += [f"department:{name}" for name in sorted(known) if name not in evidence and not _part_of(name, evidence)]
    found += [f"name:{name}" for name in _NAMED.findall(text) if name not in evidence]
    found += [f"name:{name}" for name in _LATIN_NAME.findall(text) if name.lower() not in evidence.lower()]
    if question is not None:
        found += [f"pairing:{each}" for each in mispaired(text, evidence)]
        share = unsourced(text, [evidence, question])
        if share > MOST_UNSOURCED:
            found.append(f"unsourced:{share:.2f}")
    return tuple(found)


def _part_of(name: str, evidence: str) -> bool:
    """市民政局 found inside a longer run such as 由市民政局."""
    return name.removeprefix("市") in evidence
