"""Whatever comes in: a preview or a message for people, never anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.errors import IntakeError
from knowledge.intake.decode import decode
from knowledge.intake.figures import figures
from knowledge.intake.sniff import safe_name
from knowledge.intake.values import Intake
from tests.knowledge.intake.builders import LISTS_AND_TABLES, NOTICE, docx, pdf, xlsx

SEEDS = {
    "a.docx": docx(NOTICE, [LISTS_AND_TABLES]),
    "a.pdf": pdf([NOTICE], table=LISTS_AND_TABLES),
    "a.xlsx": xlsx({"表": LISTS_AND_TABLES}),
    "a.md": ("---\ntitle: 题\n---\n\n# 题\n\n" + "\n\n".join(NOTICE)).encode(),
    "a.csv": "\n".join(",".join(row) for row in LISTS_AND_TABLES).encode(),
    "a.html": ("<html><body><table><tr><td>" + "</td></tr><tr><td>".join(NOTICE) + "</table>").encode(),
}
PIECES = st.sampled_from(
    ["# ", "## ", "---\n", "|a|b|\n|-|-|\n", "一、", "(一)", "第三条 ", "1. ", "\n", "\n\n", "<div>", "<script>", "</", "<!--", "![", "](", "```", "，", "。", "：",
     "名称,地址,电话\n", '"', ",", "=1+1", "到2025年", "17.8万张", "99%", "12345", "10:30", "&lt;", "&#x202e;", "\u202e", "\u0301", "\x00", "\ud83d\ude00", "\ue000", "某某局", "附件", "　", "-" * 40, "#" * 40]
)  # fmt: skip
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def taken(read: Callable[..., Intake], data: bytes, name: str) -> None:
    """A preview that travels as JSON, or an error for people."""
    error, intake = None, None
    try:
        intake = read(data, name, ocr=False)
    except IntakeError as raised:
        error = raised
    if error is not None:
        assert error.message.endswith(("。", "”", "）"))
        assert any("\u4e00" <= c <= "\u9fff" for c in error.hint)
    if intake is not None:
        assert Intake.model_validate_json(intake.model_dump_json()) == intake
        assert "<script" not in intake.body.lower()
        assert not set(intake.body) & set("\x00\u202e\u200b\ue000")
        assert all(passage.text.strip() for passage in intake.passages)
        assert all(intake.body[each.start : each.end] == each.text for each in intake.personal if not each.card)


@pytest.mark.parametrize("name", list(SEEDS))
@QUIET
@given(data=st.data())
def test_damaged_files(read: Callable[..., Intake], name: str, data: st.DataObject) -> None:
    seed = bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(seed) - 1))
        seed[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del seed[data.draw(st.integers(0, len(seed) - 1)) :]
    taken(read, bytes(seed), name)


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.csv"])
@QUIET
@given(pieces=st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=40))
def test_any_text(read: Callable[..., Intake], name: str, pieces: list[str]) -> None:
    taken(read, "".join(pieces).encode("utf-8", "surrogatepass"), name)


@QUIET
@given(rows=st.lists(st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.dates(), st.text(alphabet="名称地址电话=+-@，甲乙丙0123456789.", max_size=12)), max_size=6), max_size=6))  # fmt: skip
def test_any_sheet(read: Callable[..., Intake], rows: list[list[object]]) -> None:
    cells = [
        [None if (isinstance(c, float) and c != c) or c in (float("inf"), float("-inf")) else c for c in row]
        for row in rows
    ]
    taken(read, xlsx({"表": [["名称", "地址", "电话"], *cells]}), "a.xlsx")


@QUIET
@given(st.binary(max_size=400))
@example(b"PK\x03\x04")
@example(b"%PDF-")
@example(b"\xd0\xcf\x11\xe0")
@example(b"\xff\xfe\x00")
def test_any_bytes(read: Callable[..., Intake], data: bytes) -> None:
    taken(read, data, "a.bin")


@given(st.text(max_size=200))
def test_names_are_only_names(name: str) -> None:
    bare = safe_name(name)
    assert bare
    assert len(bare) <= 80
    assert not set(bare) & set('/\\\x00\n\u202e:*?"<>|')
    assert not bare.startswith(".")
    assert safe_name(bare) == bare


@given(st.text(alphabet="的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处理世车", min_size=40, max_size=200), st.sampled_from(["utf-8", "gb18030", "utf-16"]))  # fmt: skip
def test_common_text_survives_its_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), None) == text


@given(st.text(alphabet="到2025年底0123456789.,万亿百分之五%个张元每上午下点半:：电话食堂", max_size=60))
def test_figures_never_fail(text: str) -> None:
    for figure in figures(text):
        assert figure.values
        assert figure.shown
