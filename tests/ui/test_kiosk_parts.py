"""The kiosk's server side: words, scripts, the keyboard's table, the PIN, the first screen, cards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assistant.errors import SettingsError
from assistant.http.app import build_app
from assistant.settings import Settings
from assistant.speak.normalise import normalise
from tests.http.conversation import ScriptedConversation
from ui.chat import mount
from ui.kiosk.page import Screens, mount_kiosk
from ui.kiosk.pin import PinPad, hash_pin
from ui.kiosk.pinyin import pinyin_table
from ui.kiosk.routes import FILES, Table
from ui.kiosk.script import as_published, pinyin, traditional, traditional_html
from ui.kiosk.words import kiosk_words


@pytest.fixture(scope="module")
def client() -> TestClient:
    conversation = ScriptedConversation()
    config = Settings(_env_file=None, asks_per_minute=1000, kiosk_pin_hash=hash_pin("2468"), kiosk_pin_attempts=3)
    app = build_app(conversation, lambda: {"ready": True}, config)
    mount_kiosk(app, conversation, config, "one")
    return TestClient(mount(app, conversation))


def test_every_language_has_every_word_with_its_blanks() -> None:
    words = kiosk_words()
    assert set(words) == {"zh", "hant", "en"}
    for name, text in words["zh"].items():
        assert {words[code][name].count("{}") for code in words} == {text.count("{}")}, name
        assert text
        assert len(words["hant"][name]) == len(text)
    assert words["hant"]["repeat"] == "再說一遍"
    used = set(
        re.findall(
            r'data-(?:word|label)="(\w+)"',
            Screens(ScriptedConversation(), Settings(_env_file=None), PinPad("", 1, 1), "")._template,
        )
    )
    assert used <= set(words["zh"])


def test_traditional_characters_are_as_many_as_before_and_quotations_stay() -> None:
    text = "老房子里能加装电梯吗？发展托育，干净，头发，面条。"
    assert len(traditional(text)) == len(text)
    assert traditional("养老床位") == "養老床位"
    assert (
        traditional_html(f"<p>养老</p>{as_published('养老')}<b>电梯</b>")
        == f"<p>養老</p>{as_published('养老')}<b>電梯</b>"
    )


def test_the_keyboards_table_is_made_once_for_each_release_and_kept(tmp_path: Path) -> None:
    made: list[str] = []
    releases = ["one"]

    def make() -> bytes:
        made.append(releases[-1])
        return f'"{releases[-1]}"'.encode()

    def table() -> Table:
        return Table(make, lambda: releases[-1], tmp_path / "keyboard")

    first = table()
    assert first.get() == first.get() == table().get() == b'"one"'
    releases.append("two")
    assert first.get() == b'"two"'
    assert made == ["one", "two"]
    assert [file.name for file in (tmp_path / "keyboard").iterdir()] == ["two.json"]


def test_pinyin_is_that_of_the_voice() -> None:
    read = pinyin("银行行长，17.8万张")
    assert read[:4] == ["yín", "háng", "háng", "zhǎng"]
    assert read[4:9] == ["", "", "", "", ""]
    assert pinyin("绿色")[0] == "lǜ"


def test_the_table_finds_words_of_the_documents_by_letters() -> None:
    table = json.loads(pinyin_table(ScriptedConversation()))
    assert table["characters"]["yang"].startswith("样") or "养" in table["characters"]["yang"]
    assert "绿" in table["characters"]["lv"]
    spelt = {word: (letters, initials) for letters, initials, word in table["words"]}
    assert spelt["养老"] == ("yanglao", "yl")
    place = [word for _, _, word in table["words"]].index
    assert place("生活圈") < place("我们"), "words of the documents come first"
    assert len({character for row in table["characters"].values() for character in row}) > 3000


def test_the_pin_is_hashed_and_locks() -> None:
    now = [0.0]
    hashed = hash_pin("135790")
    assert "135790" not in hashed
    assert hashed != hash_pin("135790")
    pad = PinPad(hashed, 2, 60.0, lambda: now[0])
    assert pad.enter("135791").left == 1
    assert pad.enter("135790").right, "a right one counts anew"
    assert pad.enter("0").left == 1
    assert pad.enter("9999").locked == 60
    now[0] = 59.0
    assert not pad.enter("135790").right, "even the right one waits"
    now[0] = 61.0
    assert pad.enter("135790").right
    assert not PinPad("", 2, 60.0).enter("").right
    with pytest.raises(SettingsError):
        PinPad("135790", 2, 60.0)
    with pytest.raises(SettingsError):
        hash_pin("12a4")


def test_the_first_screen_is_in_the_page_in_its_language(client: TestClient) -> None:
    page = client.get("/kiosk").text
    assert "点一下屏幕，开始" in page
    assert page.index('id="kiosk"') < page.index("<gradio-app")
    assert '<base href="/kiosk/" />' in page
    english = client.get("/kiosk/?lang=en").text
    assert "Touch the screen to start" in english
    assert '<div id="kiosk" lang="en"' in english
    assert "點一下屏幕，開始" in client.get("/kiosk?lang=hant").text
    assert "script>alert" not in client.get("/kiosk?lang=<script>alert(1)").text
    assert client.get("/").text.count('id="kiosk"') == 0


def test_files_are_served_with_a_tag(client: TestClient) -> None:
    for name in FILES:
        reply = client.get(f"/ui/kiosk/{name}")
        assert reply.status_code == 200, name
        again = client.get(f"/ui/kiosk/{name}", headers={"If-None-Match": reply.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/ui/kiosk/page.py").status_code == 404


def ask(client: TestClient, text: str, session: str) -> int:
    return int(client.post("/api/ask", json={"text": text, "session": session}).json()["turn_id"])


def test_a_card_is_of_its_own_session_and_language(client: TestClient) -> None:
    turn = ask(client, "一刻钟生活圈是什么?", "card-one")
    order = {"session": "card-one", "turn_id": turn}
    card = client.post("/api/kiosk/card", json=order).json()
    assert card["kind"] == "answer"
    assert "<mark>" in card["article"]
    assert "回答出自这里" in card["html"]
    assert card["more"].count("data-ask=") == 2
    assert "85%以上" in card["print"]
    hant = client.post("/api/kiosk/card", json={**order, "language": "hant"}).json()
    assert "設施覆蓋率" in hant["text"]
    assert "设施覆盖率达到85%以上" in hant["html"], "the quotation stays as published"
    assert client.post("/api/kiosk/card", json={**order, "session": "card-two"}).status_code == 404
    assert client.post("/api/kiosk/card", json={**order, "language": "xx"}).status_code == 422


@pytest.mark.parametrize(("question", "kind", "number"), [("着火了", "emergency", "119"), ("天气", "refused", "12345")])
def test_numbers_to_ring_stand_on_the_card(client: TestClient, question: str, kind: str, number: str) -> None:
    turn = ask(client, question, "card-three")
    card = client.post("/api/kiosk/card", json={"session": "card-three", "turn_id": turn}).json()
    assert card["kind"] == kind
    assert f"请打电话 {number}" in card["html"]


def test_what_people_wrote_is_only_text_on_the_card(client: TestClient) -> None:
    turn = ask(client, "<b>粗</b>", "card-four")
    card = client.post("/api/kiosk/card", json={"session": "card-four", "turn_id": turn}).json()
    for part in ("html", "print", "article"):
        assert "<script>" not in card[part]
        assert "<b onclick" not in card[part]
    assert "&lt;script&gt;" in card["html"]


def test_lines_in_other_characters(client: TestClient) -> None:
    order = {"texts": ["养老床位", "17.8万"], "traditional": True, "pinyin": True}
    lines = client.post("/api/kiosk/text", json=order).json()["lines"]
    assert lines[0] == {"text": "養老床位", "pinyin": ["yǎng", "lǎo", "chuáng", "wèi"]}
    assert client.post("/api/kiosk/text", json={"texts": ["x"] * 21}).status_code == 422
    assert client.post("/api/kiosk/text", json={"texts": ["x" * 2001]}).status_code == 422


def test_what_residents_said_stays_in_no_cache(client: TestClient) -> None:
    before = normalise.cache_info()
    client.post("/api/kiosk/text", json={"texts": ["我住在金丝雀路"], "pinyin": True})
    assert normalise.cache_info() == before


def test_nothing_can_be_uploaded(client: TestClient) -> None:
    with client:
        reply = client.post("/kiosk/gradio_api/upload", files={"files": ("a.txt", b"two bytes and more")})
    assert reply.status_code == 413


def test_the_pin_is_checked_on_the_server(client: TestClient) -> None:
    def enter(pin: str) -> dict[str, object]:
        return dict(client.post("/api/kiosk/pin", json={"pin": pin}).json())

    assert enter("1111") == {"right": False, "left": 2, "locked": 0}
    assert enter("2468")["right"] is True
    assert [enter("1111")["left"] for _ in range(2)] == [2, 1]
    assert enter("1111") == {"right": False, "left": 0, "locked": 300}
    assert enter("2468")["right"] is False
