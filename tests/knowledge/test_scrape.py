"""The scraped plan becomes the committed Markdown, and nothing is guessed on the way."""

import re
from pathlib import Path

import pytest

from assistant.errors import KnowledgeError
from knowledge.scrape import clean_source, import_source

from .conftest import CORPUS, SOURCE

SHARED = sorted(Path("/work/shared/source").glob("*.txt"))


@pytest.mark.parametrize("source", [SOURCE, *SHARED], ids=lambda path: path.name)
def test_committed_plan_is_the_cleaned_source(source, tmp_path):
    report = import_source(source, tmp_path)
    assert "everything could be read" in report
    for name in ("plan.md", "press.md"):
        assert (tmp_path / name).read_text("utf-8") == (CORPUS / "plan" / name).read_text("utf-8")


def test_rules_take_out_exactly_what_was_scraped_in():
    report = clean_source(SOURCE.read_text("utf-8"))
    counts = {change.rule: change.count for change in report.changes}
    assert counts["reading in brackets"] == 1182
    assert counts["lost indent (??)"] == 37
    assert sum(rule.startswith("erratum") for rule in counts) == 3
    assert not report.unreadable
    assert not re.search(r"[?^a-zāáǎà]", report.text)


def test_punctuation_stays_as_published():
    kept = "[,;:()%“”《》〔〕、。+.]"
    source = SOURCE.read_text("utf-8").replace("?yún)^(qū)", "")
    source = re.sub(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǚ]+\)", "", source)
    assert re.findall(kept, clean_source(SOURCE.read_text("utf-8")).text) == re.findall(kept, source)


def test_damaged_places_are_mended():
    text = clean_source(SOURCE.read_text("utf-8")).text
    assert "深化推进以社保卡为载体建立居民服务“一卡通”" in text
    assert "人口导入区域等加大建设供应租赁住房力度" in text


def test_a_bracket_that_is_no_reading_of_its_character_stays():
    text = "業(yè)務,社區(km)和業(dà)以及居(村)\n"
    assert clean_source(text).text == "业务,社区(km)和业(dà)以及居(村)\n"


@pytest.mark.parametrize("damage", ["服??务", "服\ufffd务", "服檩d务", "服?yún)^(qū)务", "服\ue123务"])
def test_what_cannot_be_read_is_reported_with_its_line(damage):
    report = clean_source(f"第一行。\n\n??第三行{damage}。\n")
    assert {line for line, _ in report.unreadable} == {3}
    assert damage in report.text
    assert "could not read line 3" in report.summary()


def test_simplifying_keeps_words_that_only_look_traditional():
    words = "制订方案,着力推进,什么,乾隆年间,于2025年,只有一只,复合,发展改革委"
    assert clean_source(words).text.strip() == words


def test_press_is_no_part_of_the_plan(loaded):
    assert "获悉" not in (CORPUS / "plan" / "plan.md").read_text("utf-8")
    assert not any("智通财经" in p.text for p in loaded.corpus.passages)


def test_a_file_without_plan_is_refused(tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("这里没有文号。\n", "utf-8")
    with pytest.raises(KnowledgeError, match="document number"):
        import_source(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    other.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KnowledgeError, match="UTF-8"):
        import_source(other, tmp_path / "out")
