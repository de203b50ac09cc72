"""Sentences join to the text, and quotes stay whole."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.sentences import LONGEST, split_sentences

TEXTS = st.text(alphabet="中文字,。；;！？!?“”「」（）()《》\n a1.‘’", max_size=600)


@given(TEXTS)
def test_sentences_join_to_the_text(text):
    sentences = split_sentences(text)
    assert "".join(sentences) == text
    assert all(0 < len(sentence) <= LONGEST for sentence in sentences)


@given(st.lists(st.text(alphabet="中文,、;", min_size=1, max_size=80), max_size=8))
def test_each_full_stop_ends_a_sentence(parts):
    assert split_sentences("".join(f"{part}。" for part in parts)) == [f"{part}。" for part in parts]


def test_marks_inside_quotes_and_brackets_end_nothing():
    text = "他说“行。走吧!”就走了。她(真的吗?是!)没动。「好。」完。"
    assert split_sentences(text) == ["他说“行。走吧!”就走了。", "她(真的吗?是!)没动。", "「好。」完。"]


def test_a_quote_that_is_never_closed_is_a_slip():
    assert split_sentences("“打开了。没关上。第三句。") == ["“打开了。", "没关上。", "第三句。"]


def test_semicolons_hold_a_sentence_together():
    assert split_sentences("甲;乙；丙。丁") == ["甲;乙；丙。", "丁"]


def test_marks_in_a_row_and_addresses():
    assert split_sentences("真的？！是。") == ["真的？！", "是。"]
    assert split_sentences("见a.cn/x?y=1再说。") == ["见a.cn/x?y=1再说。"]


def test_a_long_sentence_is_cut_at_clauses():
    text = "很长的一句话,说个没完," * 60
    pieces = split_sentences(text)
    assert len(pieces) > 1
    assert all(piece.endswith(",") for piece in pieces)
