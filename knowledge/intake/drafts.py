"""A preview as the plain files that publishing reads: Markdown with front matter, and YAML cards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import yaml

from assistant.errors import IntakeError
from knowledge.intake.days import read_day
from knowledge.intake.front import LABELS
from knowledge.intake.personal import masked
from knowledge.intake.values import Intake, PersonalData


def draft_files(
    intake: Intake,
    edits: Mapping[str, str] | None = None,
    mask: Iterable[PersonalData] | None = None,
) -> dict[str, str]:
    """Path below the corpus folder to text. ``edits`` overrides fields of the front matter.

    ``mask`` names the personal data to hide; by default all that is certain. Raises IntakeError when
    a field that publishing wants is missing or wrong, naming all of them.
    """
    front = {field.name: field.value for field in intake.front} | {k: v.strip() for k, v in (edits or {}).items()}
    _check(front)
    hidden = [each for each in intake.personal if each.certain] if mask is None else list(mask)
    out: dict[str, str] = {}
    if intake.body:
        body = masked(intake.body, [each for each in hidden if not each.card])
        kept = {key: _typed(key, value) for key, value in front.items() if value and key in LABELS}
        # A real page of YAML, so that no value can end the front matter or add a field.
        head = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=1000)
        out[f"{front['id']}/{front['id']}.md"] = f"---\n{head}---\n\n{body}"
    cards = [dict(draft.card) for draft in intake.cards if not draft.problems]
    if cards:
        for card in cards:
            _mask_card(card, hidden)
            card["owner"] = card.get("owner") or front["owner"]
            card["source"] = card.get("source") or front["source"]
        name = re.sub(r"[^a-z0-9-]", "-", front["id"].lower()).strip("-") or "cards"
        name = f"{name}-cards" if intake.body else name
        data = {"id": name, "title": front["title"], "cards": cards}
        out[f"cards/{name}.yaml"] = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)
    return out


def _check(front: Mapping[str, str]) -> None:
    wrong = []
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", front.get("id", "")):
        wrong.append("“编号”只能用字母、数字、点和横线")
    for field in ("title", "owner", "source"):
        if not front.get(field):
            wrong.append(f"“{LABELS[field]}”还没有填")
    for field in ("issued", "valid_from", "valid_until"):
        day = front.get(field, "")
        if day and not (re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) and read_day(day)):
            wrong.append(f"“{LABELS[field]}”请写成 2026-01-31 这样")
    if front.get("valid_from") and front.get("valid_until") and front["valid_until"] < front["valid_from"]:
        wrong.append("“失效日期”在“生效日期”之前")
    if wrong:
        raise IntakeError("还不能存成草稿：" + "；".join(wrong) + "。", "请改好再保存。", code="front")


def _typed(key: str, value: str) -> object:
    if key in ("issued", "valid_from", "valid_until"):
        return date.fromisoformat(value)
    return value


def _mask_card(card: dict[str, object], hidden: Iterable[PersonalData]) -> None:
    for each in hidden:
        id_, _, field = each.card.partition(".")
        if id_ != card["id"] or field not in card:
            continue
        value = card[field]
        if isinstance(value, list):
            card[field] = [str(item).replace(each.text, each.replacement) for item in value]
        elif field == "phone":
            del card[field]  # words are no telephone number
        else:
            card[field] = str(value).replace(each.text, each.replacement)
