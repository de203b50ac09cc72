"""Answers taken home: what the page holds and what it must not, how long it lives, and where its code leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import segno
from fastapi.testclient import TestClient
from starlette.requests import Request

from assistant.contracts import Answer, Citation, Conversation, Language, Passage
from assistant.http import reach
from assistant.http.app import build_app
from assistant.http.reach import address_for_phones, own_address, reachable
from assistant.http.take_page import moment, take_page
from assistant.http.takeaway import add_takeaway, stands_on
from assistant.settings import Settings
from assistant.takeaway import Shelf, takes_home
from assistant.turn import Assistant, Knowledge
from knowledge.cards import Card, card_passages
from tests.small_world import DAY, published, small_corpus

ABROAD = {"Host": "192.168.7.5:7860"}
QUESTION = "我姓欧阳，老年助餐点达到多少个？"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 16, 5).astimezone()

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("small")
    return published(small_corpus(folder / "corpus"), folder / "data")


@pytest.fixture
def talk(small: Knowledge) -> Assistant:
    return Assistant(lambda: small, engine="extractive", today=lambda: DAY)


@pytest.fixture
def client(talk: Assistant) -> Iterator[TestClient]:
    settings = Settings(_env_file=None)
    app = build_app(talk, lambda: {"ready": True}, settings)
    app.state.shelf = add_takeaway(app, talk, settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def told(talk: Assistant, *passage_ids: str, text: str = "", **fields: Any) -> int:
    """An answer that stands on these passages, as turn of session s; returns the turn."""
    cited = [talk.passage(id_) for id_ in passage_ids]
    citations = tuple(
        Citation(
            doc=p.title, article=p.article, quote=p.text, passage_id=p.id, title=p.title, path=p.path, sample=p.sample
        )
        for p in cited
        if p is not None
    )
    return talk.tell("s", Answer(text=text or "".join(c.quote for c in citations), citations=citations, **fields))


def take(client: TestClient, turn: int, headers: dict[str, str] = ABROAD, **fields: Any) -> Any:
    return client.post("/api/takeaway", json={"session": "s", "turn_id": turn, **fields}, headers=headers)


def test_an_answer_goes_home_without_whoever_asked(client: TestClient, talk: Assistant) -> None:
    client.post("/api/ask", json={"text": QUESTION, "session": "s"})
    turn = told(talk, "plan#1.1")
    made = take(client, turn).json()
    assert made["message"] == ""
    assert made["url"] == f"http://192.168.7.5:7860{made['path']}"
    assert len(made["id"]) >= 22
    page = client.get(made["path"])
    assert page.status_code == 200
    assert "46个" in page.text
    assert "青山街道便民服务行动方案" in page.text
    assert "第一条" in page.text
    for word in ("欧阳", QUESTION, "<script", " style="):
        assert word not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert client.get("/api/take.css").status_code == 200
    client.delete("/api/sessions/s")
    assert client.get(made["path"]).text == page.text, "the resident has taken it home"
    assert take(client, turn).status_code == 404


def test_the_code_holds_the_address(client: TestClient, talk: Assistant) -> None:
    made = take(client, told(talk, "plan#1.1")).json()
    picture = made["qr_svg"]
    assert picture.startswith("<svg ")
    assert "<script" not in picture
    assert 'role="img"' in picture
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', picture)[1])  # type: ignore[index]
    dark = [[False] * size for _ in range(size)]
    x = y = 0.0
    path = re.search(r'class="qrline"[^>]* d="([^"]+)"', picture)
    assert path is not None
    for order, numbers in re.findall(r"([Mmh])([^Mmh]*)", path[1]):
        values = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
        if order == "h":
            for place in range(int(values[0])):
                dark[int(y)][int(x) + place] = True
            x += values[0]
        elif order == "M":
            x, y = values
        else:
            x, y = x + values[0], y + values[1]
    wanted = segno.make(made["url"], error="m", micro=False)
    assert dark == [[bool(module) for module in row] for row in wanted.matrix_iter(border=4)]


def test_a_card_brings_everything_that_one_needs_there(client: TestClient, talk: Assistant) -> None:
    made = take(client, told(talk, "hotlines#canteen.hours")).json()
    page = client.get(made["path"]).text
    assert "每天7:00到18:30" in page
    assert "示例号码000-0001" in page
    assert "示例：这是演示用的内容" in page
    assert "tel:" not in page, "nobody rings a made-up number"
    real = client.get(take(client, told(talk, "hotlines#12345.phone", hotline="12345")).json()["path"]).text
    assert real.count('href="tel:12345"') == 1
    assert "示例：" not in real


def test_what_to_bring_is_a_list_to_tick() -> None:
    card = Card(
        id="desk", name="示例窗口", what="办理各类事务", documents=("身份证", "户口簿"), where="示例路1号", phone="示例号码000-0002",
        owner="居委会", source="演示", sample=True,
    )  # fmt: skip
    from assistant.contracts import Document

    passages = list(card_passages(Document(id="cards", title="卡片", kind="cards"), card))
    assert passages[0].values == ()
    assert next(p for p in passages if p.field == "documents").values == ("身份证", "户口簿")
    _, page = Shelf().put(Answer(text="要带身份证。"), passages)
    assert re.search(r"<ul class=documents><li>身份证</li><li>户口簿</li></ul>", take_page(page, page.made))


def test_what_is_nothing_to_take_home_is_said_so(client: TestClient, talk: Assistant) -> None:
    greeted = client.post("/api/ask", json={"text": "你好", "session": "s"}).json()["turn_id"]
    assert take(client, greeted).status_code == 422
    person = take(client, told(talk, "plan#1.1", engine="person"))
    assert person.status_code == 422
    assert "工作人员" in person.json()["error"]["message"]
    assert take(client, 10_000).status_code == 404
    assert client.post("/api/takeaway", json={"session": "other", "turn_id": greeted}).status_code == 404
    english = take(client, 10_000, language="en").json()["error"]
    assert "ask again" in english["hint"]
    for bad in ({}, {"session": "s"}, {"session": "../x", "turn_id": 1}, {"session": "s", "turn_id": "x"}):
        assert client.post("/api/takeaway", json=bad).status_code == 422
    assert client.get("/take/unknown").status_code == 404
    assert "12345" in client.get("/take/unknown").text
    assert len(client.app.state.shelf) == 0  # type: ignore[attr-defined]


def test_words_that_a_model_wrote_stay_here(client: TestClient, talk: Assistant) -> None:
    turn = told(talk, "plan#1.1", text="欧阳阿姨，助餐点要到46个[1]。", engine="written")
    page = client.get(take(client, turn).json()["path"]).text
    assert "欧阳" not in page
    assert "46个" in page


def test_nobody_can_put_markup_onto_the_page(client: TestClient, talk: Assistant) -> None:
    turn = told(talk, "plan#1.1", text='<img src=x onerror="alert(1)">助餐点46个')
    page = client.get(take(client, turn).json()["path"]).text
    assert "<img" not in page
    assert "&lt;img" in page


def test_without_a_way_for_phones_there_is_no_code(client: TestClient, talk: Assistant) -> None:
    made = take(client, told(talk, "plan#1.1"), {"Host": "localhost:7860"}).json()
    assert (made["url"], made["qr_svg"]) == (None, None)
    assert "打印" in made["message"]
    assert client.get(made["path"]).status_code == 200
    english = take(client, told(talk, "plan#1.1"), {"Host": "127.0.0.1:7860"}, language="en").json()
    assert "print" in english["message"]


def test_too_many_pages_are_turned_away(client: TestClient, talk: Assistant) -> None:
    turn = told(talk, "plan#1.1")
    codes = [take(client, turn).status_code for _ in range(75)]  # some come back while the first are being asked
    assert set(codes[:60]) == {200}
    assert 429 in codes[60:]


def passage(until: date | None) -> Passage:
    return Passage(id="p", kind="sentence", doc="d", title="某办法", text="某句。", valid_until=until)


def test_a_page_lives_for_its_hours_and_never_longer_than_its_source() -> None:
    clock = Clock()
    shelf = Shelf(24, clock)
    answer = Answer(text="某句。")
    id_, page = shelf.put(answer, [passage(None)])
    assert page.until == clock.now + timedelta(hours=24)
    today, ends = shelf.put(answer, [passage(clock.now.date()), passage(None)])
    assert ends.until == datetime(2026, 11, 25).astimezone()
    clock.now += timedelta(hours=10)
    assert shelf.get(id_) == page
    assert shelf.get(today) is None
    clock.now += timedelta(hours=14)
    assert shelf.get(id_) is None
    assert shelf.get("unknown") is None
    for _ in range(3):
        shelf.put(answer, [])
    clock.now += timedelta(hours=25)
    shelf.sweep()
    assert len(shelf) == 0


def test_only_so_many_pages_are_kept_and_no_id_comes_twice() -> None:
    shelf = Shelf(kept=5)
    ids = [shelf.put(Answer(text="某句。"), [])[0] for _ in range(8)]
    assert len(set(ids)) == 8
    assert [shelf.get(id_) is None for id_ in ids] == [True] * 3 + [False] * 5


@pytest.mark.parametrize("engine", ["person", "relay", "talk"])
def test_talk_is_not_taken_home(engine: str) -> None:
    assert not takes_home(Answer(text="您好", engine=engine))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ahead", "hour", "chinese", "english"),
    [
        (0, 18, "今天晚上6点05分", "today 18:05"),
        (1, 12, "明天下午12点05分", "tomorrow 12:05"),
        (2, 9, "后天上午9点05分", "26 November 2026 09:05"),
        (7, 3, "2026年12月1日凌晨3点05分", "1 December 2026 03:05"),
    ],
)
def test_the_time_is_said_as_people_say_it(ahead: int, hour: int, chinese: str, english: str) -> None:
    now = datetime(2026, 11, 24, 16, 5)
    when = (now + timedelta(days=ahead)).replace(hour=hour)
    assert moment(when, now, Language.CHINESE) == chinese
    assert moment(when, now, Language.ENGLISH) == english


def test_the_full_card_is_found_once(talk: Assistant) -> None:
    conversation: Conversation = talk
    turn = told(talk, "hotlines#canteen.hours", "hotlines#canteen")
    answer = talk.answered("s", turn)
    assert answer is not None
    found = [each.id for each in stands_on(conversation, answer)]
    assert sorted(found) == ["hotlines#canteen", "hotlines#canteen.hours", "hotlines#canteen.phone"]


def request(host: str, scheme: str = "http") -> Request:
    return Request(
        {
            "type": "http",
            "scheme": scheme,
            "path": "/",
            "headers": [(b"host", host.encode())],
            "server": ("127.0.0.1", 7860),
        }
    )


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("192.168.7.5:7860", "http://192.168.7.5:7860"),
        ("[fd00::5]:7860", "http://[fd00::5]:7860"),
        ("jiamenkou.example.org", "http://jiamenkou.example.org"),
        ("hu.local:80", "http://hu.local:80"),
        ("localhost:7860", None),
        ("127.0.0.1:7860", None),
        ("[::1]:7860", None),
        ("kiosk", None),
        ("sub.localhost", None),
        ("0.0.0.0:7860", None),
        ("169.254.1.1", None),
        ("evil\"><script>.org", None),
        ("a..b", None),
    ],
)  # fmt: skip
def test_an_address_that_a_phone_can_reach(host: str, found: str | None) -> None:
    assert address_for_phones(request(host), Settings(_env_file=None)) == found


def test_the_setting_comes_first_and_the_own_address_last(monkeypatch: pytest.MonkeyPatch) -> None:
    wished = Settings(_env_file=None, public_url="https://hu.example.org/")
    assert address_for_phones(request("192.168.7.5"), wished) == "https://hu.example.org"
    monkeypatch.setattr(reach, "own_address", lambda: "192.168.9.9")
    everywhere = Settings(_env_file=None, host="0.0.0.0", port=8000)
    assert address_for_phones(request("localhost:8000"), everywhere) == "http://192.168.9.9:8000"
    assert address_for_phones(request("localhost"), Settings(_env_file=None, host="10.0.0.7")) == "http://10.0.0.7:7860"
    monkeypatch.setattr(reach, "own_address", lambda: None)
    assert address_for_phones(request("localhost:8000"), everywhere) is None


def test_the_own_address_is_one_of_this_machine() -> None:
    found = own_address()
    assert found is None or reachable(found)
