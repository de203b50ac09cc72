"""Loading: sidecars, and every broken file named with what to do."""

import shutil
import subprocess
import sys
import time

import pytest

from assistant.errors import KnowledgeError
from knowledge import files
from knowledge.content import FolderTree
from knowledge.load import Known, load_corpus, read_tree

from .conftest import CORPUS

CARDS = """id: services
title: 服务
cards:
  - id: "12345"
    name: 热线
    what: 咨询各种问题
    phone: "12345"
    owner: 市
    source: 告示
"""


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "note.md").write_text("# 通知\n\n明天开放。后天休息。\n", "utf-8")
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "services.yaml").write_text(CARDS, "utf-8")
    return tmp_path


def problems(folder):
    return [str(problem) for problem in load_corpus(folder).problems]


def test_a_plain_note(corpus):
    result = load_corpus(corpus, strict=True)
    note = next(d for d in result.corpus.documents if d.id == "note")
    assert (note.title, note.kind, note.articles) == ("通知", "note", 0)
    assert [p.text for p in result.corpus.passages if p.doc == "note" and p.kind == "sentence"] == [
        "明天开放。",
        "后天休息。",
    ]


def test_front_matter_reaches_every_passage(corpus):
    front = "---\nid: rules\ntitle: 规则\nowner: 居委会\nsource: 公告\nvalid_until: 2030-01-31\n---\n"
    (corpus / "rules.txt").write_text(front + "一、甲\n(一)子。内容。\n", "utf-8")
    found = [p for p in load_corpus(corpus, strict=True).corpus.passages if p.doc == "rules"]
    assert len(found) == 3
    assert {(p.title, p.owner, p.source, str(p.valid_until)) for p in found} == {
        ("规则", "居委会", "公告", "2030-01-31")
    }


def test_sidecars(corpus):
    (corpus / "phrasings.yaml").write_text('- passage: note#s1.1\n  questions: ["几时开放?", "几时开放?"]\n', "utf-8")
    (corpus / "english.yaml").write_text('- passage: note#s1.1\n  text: "Open tomorrow."\n', "utf-8")
    (corpus / "referrals.yaml").write_text(
        "- topic: 养老金\n  phrasings: [养老金几号发]\n  hotline: 12345\n- topic: 天气\n  off_topic: true\n",
        "utf-8",
    )
    (corpus / "synonyms.yaml").write_text("- [电梯, 升降机]\n", "utf-8")
    found = load_corpus(corpus, strict=True).corpus
    sentence = next(p for p in found.passages if p.id == "note#s1.1")
    assert sentence.phrasings == ("几时开放?",)
    assert sentence.english == "Open tomorrow."
    assert [(r.topic, r.hotline, r.off_topic) for r in found.referrals] == [
        ("养老金", "12345", False),
        ("天气", "12345", True),
    ]
    assert found.synonyms == (("电梯", "升降机"),)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("bad.md", b"\x00\x01\x02\x03PNG", "bad.md: is no text"),
        ("bad.md", bytes(range(256)) * 4, "bad.md: is no text"),
        ("empty.md", b" \n", "empty.md: is empty"),
        (
            "front.md",
            "---\ntitle: 甲\n文字。\n".encode(),
            "front.md, line 1: has front matter without an end",
        ),
        ("front.md", "---\ntitle: 甲\nowner: [\n---\n文字。\n".encode(), "front.md, line"),
        (
            "front.md",
            "---\ntitle: 甲\nvalid_untill: 2025-01-01\n---\n文字。\n".encode(),
            "front.md, line 3: has wrong",
        ),
        (
            "front.md",
            "---\nissued: 去年\n---\n文字。\n".encode(),
            "front.md, line 2: has wrong front matter: issued",
        ),
        (
            "front.md",
            "---\nvalid_from: 2025-02-01\nvalid_until: 2025-01-01\n---\n文字。\n".encode(),
            "front.md, line 3: has valid_until before valid_from",
        ),
        (
            "other.md",
            "---\nid: note\n---\n文字。\n".encode(),
            "other.md, line 1: repeats the document id note",
        ),
        ("plan.pdf", b"%PDF", "plan.pdf: is not read. Save documents as .md or .txt"),
        (
            "phrasings.yaml",
            "- passage: note#s9\n  questions: [甲]\n".encode(),
            "line 1: names the unknown passage note#s9",
        ),
        (
            "phrasings.yaml",
            "- passage: note#s1\n  question: [甲]\n".encode(),
            "has an entry without questions",
        ),
        ("english.yaml", b"- passage: note#s1\n  text: ''\n", "line 1: has a wrong text for note#s1"),
        (
            "referrals.yaml",
            "- topic: 甲\n  hotline: 99999\n".encode(),
            "sends 甲 to 99999, which has no card",
        ),
        ("referrals.yaml", "- phrasings: [甲]\n".encode(), "topic: Field required"),
        ("referrals.yaml", b"topic: 1\n", "referrals.yaml, line 1: is no list"),
        ("synonyms.yaml", "- [甲]\n".encode(), "synonyms.yaml: has a wrong group"),
        ("departments.yaml", "甲局: 乙\n".encode(), "gives 甲局 something else"),
        ("cards/x.yaml", b"cards: [\n", "x.yaml, line 2: is broken YAML"),
        ("cards/x.yaml", b"id: x\n", "x.yaml, line 1: is no file of cards: title: Field required"),
        ("cards/x.yaml", CARDS.encode(), "x.yaml, line 1: repeats the document id services"),
        (
            "cards/x.yaml",
            CARDS.replace("services", "x").replace("    owner: 市\n", "").encode(),
            "x.yaml, line 4: card 热线: owner: Field required. Mend that field.",
        ),
    ],
)
def test_what_is_broken_is_named(corpus, name, content, named):
    (corpus / name).write_bytes(content)
    found = problems(corpus)
    assert len(found) == 1
    assert named in found[0]
    with pytest.raises(KnowledgeError, match=r"1 problem.*nothing was published"):
        load_corpus(corpus, strict=True)


def test_all_problems_are_named_at_once(corpus):
    (corpus / "a.md").write_bytes(b"\0")
    (corpus / "b.md").write_text("---\nid: note\n---\n字。\n", "utf-8")
    (corpus / "synonyms.yaml").write_text("- 甲\n", "utf-8")
    with pytest.raises(KnowledgeError) as caught:
        load_corpus(corpus, strict=True)
    # a.md can't be read, note.md repeats b.md's id, synonyms.yaml has a wrong group
    assert all(name in caught.value.message for name in ("a.md", "note.md", "synonyms.yaml"))
    assert "old release" in caught.value.hint


def test_a_broken_card_leaves_the_others(corpus):
    text = CARDS + "  - id: broken\n    name: 坏卡\n    what: 没有主人\n    source: 无\n"
    (corpus / "cards" / "services.yaml").write_text(text, "utf-8")
    result = load_corpus(corpus)
    assert "line 10: card 坏卡: owner" in str(result.problems[0])
    assert [p.id for p in result.corpus.passages if p.kind == "card"] == ["services#12345"]


def test_gb18030_is_read(corpus):
    (corpus / "old.txt").write_bytes("旧文件也能读。\n".encode("gb18030"))
    assert any(p.text == "旧文件也能读。" for p in load_corpus(corpus, strict=True).corpus.passages)


def test_a_file_too_large_is_refused(corpus, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 10)
    assert any("note.md: is" in each and "Split it" in each for each in problems(corpus))


def test_windows_lines_and_byte_order_mark(corpus):
    (corpus / "win.md").write_bytes("\ufeff---\r\ntitle: 视窗\r\n---\r\n第一句。\r\n".encode())
    found = load_corpus(corpus, strict=True).corpus.passages
    assert any(p.title == "视窗" and p.text == "第一句。" for p in found)


def test_index_false_and_hidden_files_are_left_out(corpus):
    (corpus / "press.md").write_text("---\nindex: false\n---\n不算数。\n", "utf-8")
    (corpus / ".DS_Store").write_bytes(b"\0")
    assert not any(p.text == "不算数。" for p in load_corpus(corpus, strict=True).corpus.passages)


def test_digest_tells_any_change_and_nothing_else(corpus, tmp_path_factory):
    digest = load_corpus(corpus).corpus.digest
    copy = tmp_path_factory.mktemp("copy") / "corpus"
    shutil.copytree(corpus, copy)
    assert load_corpus(copy).corpus.digest == digest
    (copy / "synonyms.yaml").write_text("- [甲, 乙]\n", "utf-8")
    assert load_corpus(copy).corpus.digest != digest


def test_no_folder(tmp_path):
    with pytest.raises(KnowledgeError, match="no corpus folder"):
        load_corpus(tmp_path / "none")


def test_loading_is_quick():
    started = time.perf_counter()
    load_corpus(CORPUS)
    assert time.perf_counter() - started < 1.5


def test_loading_imports_nothing_heavy():
    code = (
        "import sys, knowledge.load, knowledge.scrape\n"
        "sys.exit(', '.join({'opencc', 'pypinyin', 'torch', 'numpy'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CORPUS.parents[1])
    assert done.returncode == 0, done.stderr


def known_of(reading):
    return {each.base: Known(each.key, each.base, each.document, each.cards) for each in reading.documents}


def test_what_is_known_is_not_read_again_and_gives_the_same(corpus):
    (corpus / "a.md").write_text("# 甲\n\n一句话。两句话。\n", "utf-8")
    (corpus / "phrasings.yaml").write_text(
        "- {passage: note#s1.1, questions: [几时开放]}\n- {passage: a#s1.2, questions: [说了什么]}\n", "utf-8"
    )
    first = read_tree(FolderTree(corpus))
    again = read_tree(FolderTree(corpus), known_of(first))
    assert [each.passages for each in again.documents] == [None, None, None]
    assert [each.key for each in again.documents] == [each.key for each in first.documents]
    (corpus / "a.md").write_text("# 甲\n\n一句话。三句话。\n", "utf-8")
    one = read_tree(FolderTree(corpus), known_of(first))
    whole = read_tree(FolderTree(corpus))
    assert {each.document.id for each in one.documents if each.passages is not None} == {"a"}
    assert [each.key for each in one.documents] == [each.key for each in whole.documents]
    assert [e.passages for e in one.documents if e.passages] == [
        e.passages for e in whole.documents if e.document.id == "a"
    ]
    # A sidecar that speaks of a document makes it another.
    (corpus / "phrasings.yaml").write_text("- {passage: note#s1.1, questions: [何时开放]}\n", "utf-8")
    after = read_tree(FolderTree(corpus), known_of(whole))
    assert {each.document.id for each in after.documents if each.passages is not None} == {"a", "note"}


def test_a_sidecar_of_what_is_gone_is_named_though_all_else_is_known(corpus):
    (corpus / "a.md").write_text("# 甲\n\n一句话。两句话。\n", "utf-8")
    (corpus / "phrasings.yaml").write_text("\n- passage: a#s1.2\n  questions: [说了什么]\n", "utf-8")
    mentions = {}
    known = known_of(read_tree(FolderTree(corpus), {}, mentions))
    (corpus / "a.md").write_text("# 甲\n\n一句话。\n", "utf-8")
    shorter = read_tree(FolderTree(corpus), known, mentions)
    (corpus / "a.md").unlink()
    gone = read_tree(FolderTree(corpus), known, mentions)
    for reading in (shorter, gone):
        assert [str(problem) for problem in reading.problems] == [
            "phrasings.yaml, line 2: names the unknown passage a#s1.2. Correct the id, or remove the entry."
        ]
