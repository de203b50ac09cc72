"""Voice in a real browser: it hears, speaks without gaps, gives way, corrects, and comes back."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.voice_contracts import SPOKEN_RATE, Repair
from tests.ui.voices import Talk, buzz, flags, seconds, silence, talking, write
from tests.ui.watching import Watch

pytestmark = pytest.mark.slow

QUESTION = "一刻钟生活圈是什么？"
STATE = "window.jiamenkouVoice && jiamenkouVoice.state === '{}'"


@pytest.fixture(scope="module")
def talk_served() -> Iterator[tuple[str, Talk]]:
    with talking(recording=True) as served:
        yield served


@pytest.fixture(scope="module")
def quiet(launch, tmp_path_factory) -> Any:
    """Chromium whose microphone hears nothing."""
    return launch(*flags(write(tmp_path_factory.mktemp("quiet") / "quiet.wav", silence(0.5))))


@pytest.fixture
def talk_page(talk_served) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser; afterwards no request may have left the machine, nothing have failed."""
    watch = Watch()
    contexts: list[Any] = []

    def opened(browser: Any, url: str = talk_served[0], before: Callable[[Any], None] = lambda page: None) -> Any:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN"))
        page = contexts[-1].new_page()
        watch.over(page)
        before(page)
        page.goto(url)
        page.wait_for_selector(".send:not([disabled])")
        page.wait_for_function("window.jiamenkouVoice && jiamenkouVoice.found && jiamenkouVoice.value().session")
        return page

    yield opened
    for context in contexts:
        context.close()
    watch.check()


def press_talk(page: Any) -> None:
    page.click(".talk")
    page.wait_for_function(STATE.format("listening"))


def type_and_send(page: Any, text: str) -> None:
    page.fill("textarea", text)
    page.click(".send")


def gapless(log: list[dict[str, float]]) -> bool:
    """Whether the clips of one turn are in order and each begins where the one before ends."""
    return [clip["sequence"] for clip in log] == list(range(len(log))) and all(
        abs(after["begins"] - before["ends"]) < 1e-6 for before, after in pairwise(log)
    )


def test_a_spoken_question_is_shown_answered_and_said(launch, talk_page, talk_served, tmp_path: Path) -> None:
    talk = talk_served[1]
    talk.heard.clear()
    browser = launch(*flags(write(tmp_path / "ask.wav", silence(0.8), buzz(1.5), silence(0.5))))
    sent: list[Any] = []
    received: list[Any] = []

    def watch(page: Any) -> None:
        def follow(socket: Any) -> None:
            socket.on("framesent", lambda frame: sent.append(frame))
            socket.on("framereceived", lambda frame: received.append(frame))

        page.on("websocket", follow)

    page = talk_page(browser, before=watch)
    press_talk(page)
    assert page.locator(".talk").inner_text() == "停止"
    assert "正在保存录音" in page.locator(".voice-recording").inner_text()
    page.wait_for_function(STATE.format("hearing"))
    page.locator(".voice-heard").get_by_text(QUESTION).wait_for()
    page.wait_for_function(STATE.format("speaking"), timeout=10_000)
    page.wait_for_function("jiamenkouVoice.player.level > 0.05")
    turn = page.locator(".turn")
    turn.wait_for()
    assert turn.locator(".question p").inner_text() == QUESTION
    assert "第十四条" in turn.locator("a.citation").inner_text()
    page.wait_for_timeout(1500)
    said = page.locator(".voice-said").text_content()
    spoken = "".join(page.locator(".voice-said > .spoken, .voice-said .said").all_text_contents())
    assert said.startswith(spoken)
    assert 0 < len(spoken) < len(said)
    page.wait_for_function("jiamenkouVoice.player.complete")
    log = page.evaluate("jiamenkouVoice.player.log")
    assert len(log) >= 2
    assert gapless(log)
    frames = [frame for frame in sent if isinstance(frame, bytes)]
    assert {len(frame) for frame in frames} == {640}
    assert 1.4 < seconds(talk.heard[-1]) < 2.6, "sound came at its own pace"
    played = [json.loads(frame) for frame in sent if isinstance(frame, str) and '"played"' in frame]
    assert len(played) >= 8
    assert [one["milliseconds"] for one in played] == sorted(one["milliseconds"] for one in played)
    page.click(".talk")
    assert page.locator(".talk").inner_text() == "说话"
    assert not page.evaluate("jiamenkouVoice.microphone.on")
    count = len(sent)
    page.wait_for_timeout(300)
    assert len(sent) == count, "nothing is sent any more"


def test_a_cough_is_waited_out_and_an_interruption_stops(launch, talk_page, talk_served, tmp_path: Path) -> None:
    talk = talk_served[1]
    first = talk.conversation.turns

    def say(sound: Any) -> str:
        if seconds(sound) < 1.6:  # a look at the first second of a sentence sounds so too
            return "嗯"
        return "慢慢说生活圈" if talk.conversation.turns == first else "社区食堂几点开？"

    talk.say = say
    parts = (silence(0.6), buzz(1.6), silence(3.0), buzz(0.35), silence(3.2), buzz(1.6), silence(0.5))
    page = talk_page(launch(*flags(write(tmp_path / "talk.wav", *parts))))
    press_talk(page)
    page.locator(".turn .text").get_by_text("10:30").wait_for(timeout=20_000)
    page.wait_for_function(STATE.format("speaking"))
    events = page.evaluate("jiamenkouVoice.events")
    kinds = [event["type"] for event in events if event["type"] in ("hold", "resume", "stop")]
    assert kinds == ["hold", "resume", "hold", "stop"]
    stopped = next(event["turn_id"] for event in events if event["type"] == "stop")
    log = page.evaluate("jiamenkouVoice.player.log")
    assert gapless([clip for clip in log if clip["turn"] == stopped]), "the cough made no gap"
    assert log[-1]["turn"] > stopped
    talk.say = lambda sound: QUESTION
    _, turn_id, text = talk.conversation.half_heard[-1]
    assert turn_id == stopped
    assert 0 < len(text) < 200


class Server:
    """The other end of the line, played by the test: message by message."""

    def __init__(self, page: Any) -> None:
        self.sockets: list[Any] = []
        self.got: list[Any] = []
        page.route_web_socket("**/api/voice**", self._opened)

    def _opened(self, socket: Any) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda message: self.got.append(message))
        self.send("listening", recording=False)

    def send(self, type_: str, turn_id: int = 0, **more: Any) -> None:
        self.sockets[-1].send(json.dumps({"type": type_, "turn_id": turn_id, **more}))

    def clip(self, turn_id: int, sequence: int, length: float = 1.0) -> None:
        samples = np.sin(np.arange(int(length * SPOKEN_RATE)) * 0.1) * 12000
        about = {"visemes": [], "marks": [], "prepared": False, "voice": "test"}
        self.send("audio", turn_id, sequence=sequence, text="一句话，", milliseconds=int(length * 1000), **about)
        self.sockets[-1].send(struct.pack("<II", turn_id, sequence) + samples.astype("<i2").tobytes())


def served_by_test(talk_page: Callable[..., Any], browser: Any) -> tuple[Any, Server]:
    servers: list[Server] = []
    page = talk_page(browser, before=lambda page: servers.append(Server(page)))
    press_talk(page)
    page.evaluate(
        "window.levels = []; setInterval(() => levels.push([performance.now(), jiamenkouVoice.player.level]), 4)"
    )
    return page, servers[0]


def silent_after(page: Any, kind: str) -> float:
    """ms from the last message of ``kind`` to the last moment that sound was heard; it stays silent for 0.3 s."""
    page.wait_for_function(f"jiamenkouVoice.events.some((one) => one.type === '{kind}')")
    page.wait_for_timeout(300)
    at = page.evaluate(f"jiamenkouVoice.events.findLast((one) => one.type === '{kind}').at")
    levels = [one for one in page.evaluate("levels") if one[0] > at]
    assert len(levels) > 20
    return max([one[0] - at for one in levels if one[1] > 0.001], default=0.0)


def test_hold_resume_and_stop_at_the_client(quiet, talk_page) -> None:
    page, server = served_by_test(talk_page, quiet)
    server.send("turn.started", 5)
    for sequence in range(4):
        server.clip(5, sequence)
    page.wait_for_function("jiamenkouVoice.player.position?.milliseconds > 300")
    page.wait_for_function("jiamenkouVoice.player.level > 0.1")
    server.send("hold", 5)
    assert silent_after(page, "hold") < 100
    held = page.evaluate("jiamenkouVoice.player.position")
    page.wait_for_timeout(200)
    assert page.evaluate("jiamenkouVoice.player.position") == held, "it stands still"
    server.clip(5, 4)  # goes behind the others
    server.send("resume", 5)
    page.wait_for_function("jiamenkouVoice.player.level > 0.1")
    after = page.evaluate("jiamenkouVoice.player.position")
    passed = (after["sequence"] - held["sequence"]) * 1000 + after["milliseconds"] - held["milliseconds"]
    assert 0 <= passed < 250, "it goes on where it stopped"
    assert gapless(page.evaluate("jiamenkouVoice.player.log"))
    server.send("stop", 5)
    assert silent_after(page, "stop") < 200
    assert page.evaluate("jiamenkouVoice.state") == "listening"


def test_nothing_stale_is_scheduled(quiet, talk_page) -> None:
    page, server = served_by_test(talk_page, quiet)
    server.send("turn.started", 3)
    server.clip(3, 0)
    page.wait_for_function("jiamenkouVoice.player.log.length === 1")
    server.send("stop", 3)
    server.clip(3, 1)  # was on its way
    server.send("turn.started", 5)
    server.clip(4, 0)  # of a turn in between that was cancelled
    server.clip(3, 0)
    server.clip(5, 1)  # not in order
    server.clip(5, 0)
    server.clip(5, 1)
    server.clip(3, 1)
    server.clip(5, 2)
    server.send("finished", 5, sequence=3)
    page.wait_for_function("jiamenkouVoice.player.complete")
    order = [(clip["turn"], clip["sequence"]) for clip in page.evaluate("jiamenkouVoice.player.log")]
    assert order == [(3, 0), (5, 0), (5, 1), (5, 2)]
    assert page.locator(".voice-said > span").count() == 3
    assert gapless(page.evaluate("jiamenkouVoice.player.log")[1:])


def test_it_comes_back_when_the_line_breaks(quiet, talk_page) -> None:
    page, server = served_by_test(talk_page, quiet)
    server.send("turn.started", 9)
    server.clip(9, 0, 3.0)
    page.wait_for_function(STATE.format("speaking"))
    server.sockets[-1].close(code=1011)
    page.wait_for_function("jiamenkouVoice.events.filter((one) => one.type === 'listening').length === 2")
    assert len(server.sockets) == 2
    page.wait_for_function(STATE.format("listening"))
    server.send("turn.started", 1)  # a server that was started anew counts from 1
    server.clip(1, 0)
    page.wait_for_function("jiamenkouVoice.player.position?.turn === 1")
    count = sum(isinstance(one, bytes) for one in server.got)
    page.wait_for_timeout(300)
    assert sum(isinstance(one, bytes) for one in server.got) > count, "the microphone goes on"


def test_a_full_server_says_so_and_is_left_alone(quiet, talk_page) -> None:
    page, server = served_by_test(talk_page, quiet)
    server.send("error", message="现在用语音的人太多了。")
    server.sockets[-1].close(code=1013)
    page.wait_for_function(STATE.format("off"))
    assert page.locator(".voice-note").inner_text() == "现在用语音的人太多了。"
    page.wait_for_timeout(900)
    assert len(server.sockets) == 1


def test_typed_questions_are_spoken_and_the_buttons_obey(quiet, talk_page, talk_served) -> None:
    talk = talk_served[1]
    page = talk_page(quiet)
    type_and_send(page, "之前没有声音")
    page.locator(".turn .reply[aria-busy=false]").wait_for()
    press_talk(page)
    type_and_send(page, "社区食堂几点开？")
    page.locator(".turn").nth(1).locator(".text").get_by_text("10:30").wait_for()
    page.wait_for_function(STATE.format("speaking"))
    first = page.evaluate("jiamenkouVoice.player.turn")
    page.get_by_role("button", name="停", exact=True).click()
    page.wait_for_function(STATE.format("listening"))
    page.wait_for_function("jiamenkouVoice.player.level === 0", timeout=500)
    page.get_by_role("button", name="慢一点").click()
    page.locator(".voice-note").get_by_text("语速 88%").wait_for()
    page.wait_for_function(STATE.format("speaking"))
    page.get_by_role("button", name="快一点").click()
    page.locator(".voice-note").get_by_text("语速 100%").wait_for()
    assert any("慢一点" in clause for clause in talk.voice.spoken)
    page.get_by_role("button", name="再说一遍").click()
    page.wait_for_function(f"jiamenkouVoice.player.turn > {first} + 1 && jiamenkouVoice.player.complete")
    assert page.locator(".turn").count() == 2, "saying it again shows nothing twice"
    assert talk.conversation.memory[talk.sessions[-1].session][:2] == ["之前没有声音", "社区食堂几点开？"]
    page.locator(".suggestion").first.click()
    page.locator(".turn").nth(2).wait_for()
    assert page.evaluate("jiamenkouVoice.player.log").pop()["turn"] == page.evaluate("jiamenkouVoice.player.turn")
    boxes = [one.bounding_box() for one in page.locator(".talk, .voice-buttons button").all()]
    assert min(min(box["width"], box["height"]) for box in boxes) >= 64
    session = page.evaluate("jiamenkouVoice.line.session")
    page.get_by_role("button", name="清空对话").click()
    page.wait_for_function(f"jiamenkouVoice.line.open && jiamenkouVoice.line.session !== '{session}'")
    page.wait_for_function(STATE.format("listening"))
    assert session in talk.conversation.erased


def test_what_was_misheard_is_corrected(launch, talk_page, talk_served, tmp_path: Path) -> None:
    talk = talk_served[1]
    talk.say = lambda sound: "一刻钟生活拳<b>是什么"
    talk.repair = lambda text: Repair(text, QUESTION, (("拳<b>", "圈"),))
    page = talk_page(launch(*flags(write(tmp_path / "ask.wav", silence(0.6), buzz(1.5), silence(0.5)))))
    press_talk(page)
    page.locator(".voice-correct").wait_for(timeout=10_000)
    talk.say, talk.repair = (lambda sound: QUESTION), (lambda text: Repair(text, text))
    assert page.locator(".voice-heard").inner_text() == f"您问：{QUESTION}"
    assert "听成了“一刻钟生活拳<b>是什么”" in page.locator(".voice-correct").inner_text()
    page.click(".voice-correct")
    assert page.input_value("textarea") == "一刻钟生活拳<b>是什么"
    page.wait_for_function("jiamenkouVoice.player.level === 0", timeout=500)
    type_and_send(page, "社区食堂几点开？")
    page.locator(".turn .text").get_by_text("10:30").wait_for()
    page.wait_for_function(STATE.format("speaking"))


def test_the_microphone_stops_when_the_page_is_hidden(quiet, talk_page) -> None:
    page = talk_page(quiet)
    press_talk(page)
    type_and_send(page, "社区食堂几点开？")
    page.wait_for_function(STATE.format("speaking"))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    assert page.evaluate("jiamenkouVoice.microphone.on") is False
    assert page.evaluate("jiamenkouVoice.state") == "speaking", "what is being said is said to its end"
    page.wait_for_function(STATE.format("off"), timeout=15_000)


def test_a_refused_microphone_is_told_in_the_pages_language(launch, talk_page, talk_served) -> None:
    def refuse(page: Any) -> None:
        page.context.grant_permissions(["geolocation"], origin=talk_served[0])  # and no other

    page = talk_page(launch("--use-fake-device-for-media-stream"), before=refuse)
    page.click(".talk")
    page.locator(".voice-note").get_by_text("麦克风没有打开").wait_for()
    assert page.evaluate("jiamenkouVoice.state") == "off"
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Talk").click()
    page.locator(".voice-note").get_by_text("The microphone is not allowed").wait_for()


def test_an_insecure_address_is_told(quiet, talk_page) -> None:
    page = talk_page(
        quiet,
        before=lambda page: page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })"),
    )
    page.click(".talk")
    page.locator(".voice-note").get_by_text("https").wait_for()


def test_a_server_without_voice_says_so(quiet, talk_page, served) -> None:
    page = talk_page(quiet, url=served[0])
    page.locator(".voice-note").get_by_text("没有开通语音").wait_for()
    assert not page.locator(".talk").is_visible()
