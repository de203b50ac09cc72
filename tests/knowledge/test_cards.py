"""Service cards: schema, sentences, and the shipped ones."""

import re

import pytest
from pydantic import ValidationError

from assistant.contracts import Document, FactKind
from knowledge.cards import Card, card_passages

FACTS = {"id": "x", "name": "便民点", "what": "提供维修", "owner": "居委会", "source": "告示"}
DOCUMENT = Document(id="cards", title="卡片", kind="cards")


def card(**changes):
    return Card.model_validate(FACTS | changes)


def test_a_card_becomes_a_summary_and_a_sentence_a_field():
    made = list(
        card_passages(DOCUMENT, card(phone="021-1234", hours="每天9:00到17:00", documents=["身份证", "户口簿"]))
    )
    assert {p.id: p.text for p in made} == {
        "cards#x": "便民点：提供维修，电话021-1234。",
        "cards#x.phone": "便民点的电话是021-1234。",
        "cards#x.hours": "便民点的服务时间是每天9:00到17:00。",
        "cards#x.documents": "去便民点要带：身份证；户口簿。",
    }
    assert [p.fact_kinds for p in made[1:]] == [(FactKind.PHONE,), (FactKind.HOURS,), (FactKind.PROCEDURE,)]
    assert all(p.parent == "cards#x" for p in made[1:])
    assert FactKind.QUANTITY not in made[0].fact_kinds  # the digits of a telephone number count nothing


def test_empty_fields_say_nothing():
    assert [p.id for p in card_passages(DOCUMENT, card())] == ["cards#x"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name"),
        ({"owner": ""}, "owner"),
        ({"phonee": "1"}, "phonee"),
        ({"phone": "问居委会"}, "phone is no telephone number"),
        ({"valid_from": "2025-01-02", "valid_until": "2025-01-01"}, "valid_until is before valid_from"),
        ({"sample": True}, "name begins with 示例"),
        ({"sample": True, "name": "示例点", "where": "南京路1号"}, "where begins with 示例"),
        ({"sample": True, "name": "示例点", "phone": "示例021-62345678"}, "000-"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        card(**changes)


def test_yaml_numbers_are_names():
    assert card(id=110, phone=110, aliases=[110]).aliases == ("110",)


def test_every_text_of_a_sample_card_says_so(loaded):
    samples = [p for p in loaded.corpus.passages if p.sample]
    assert len({p.title for p in samples}) == 8
    assert all("示例" in p.text and "示例" in p.title for p in samples)
    assert all("ample" in p.english for p in samples)
    assert all("示例" in phrasing for p in samples for phrasing in p.phrasings)


def test_hotlines(loaded):
    cards = [p for p in loaded.corpus.passages if p.doc == "hotlines" and p.kind == "card"]
    phones = {p.parent: p for p in loaded.corpus.passages if p.doc == "hotlines" and p.field == "phone"}
    assert {p.id.partition("#")[2] for p in cards} >= {
        "110",
        "119",
        "120",
        "122",
        "12345",
        "12333",
        "12393",
        "96110",
    }
    for each in cards:
        number = each.id.partition("#")[2]
        assert number in phones[each.id].text
        assert number in each.text
        chinese = [q for q in each.phrasings if re.search("[\u4e00-\u9fff]", q)]
        assert len(chinese) >= 8
        assert len(each.phrasings) - len(chinese) >= 2
        assert each.english
    asked = [phrasing for each in cards for phrasing in each.phrasings]
    assert len(asked) == len(set(asked))


def test_fees_are_stated_only_for_emergency_calls(loaded):
    fees = {p.parent for p in loaded.corpus.passages if p.doc == "hotlines" and p.field == "fee"}
    assert fees == {"hotlines#110", "hotlines#119", "hotlines#120"}
