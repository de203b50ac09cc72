"""A served kiosk that hears and speaks with fakes, and what its tests look at in the browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from assistant.dialogue.people import People
from assistant.dialogue.session import Engines, VoiceSession
from assistant.handoff.desk import Desk
from assistant.hear.fake import FakeRecogniser, FakeTurnDetector, FakeVoiceActivity
from assistant.http.app import build_app
from assistant.http.calls import add_calls
from assistant.http.takeaway import add_takeaway
from assistant.http.voice import add_voice
from assistant.settings import Settings
from assistant.speak.fake import FakeVoice
from tests.http.conversation import ScriptedConversation
from ui.chat import mount
from ui.kiosk.page import mount_kiosk
from ui.kiosk.pin import hash_pin

PIN = "246810"
QUESTION = "一刻钟生活圈是什么？"
CANARY = "金丝雀七一五"
FREEZE = (
    "*, *::before { animation: none !important; transition: none !important; caret-color: transparent !important; }"
)

# Of everything that is visible: type that is too small, targets that are too small, and what sticks out of the screen.
LOOK = """() => {
  const top = [...document.querySelectorAll('dialog[open]')].pop() || document.getElementById('kiosk');
  const seen = (node) => {
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    return style.visibility === 'visible' && box.width > 1 && box.height > 1 && !node.closest('.k-unseen, [inert], svg')
      && node.checkVisibility();
  };
  const name = (node) => `${node.className || node.tagName}: ${node.textContent.trim().slice(0, 20)}`;
  const small = [], narrow = [], outside = [];
  for (const node of top.querySelectorAll('*')) {
    if (!seen(node)) continue;
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (own && parseFloat(getComputedStyle(node).fontSize) < 24) small.push(name(node));
    const box = node.getBoundingClientRect();
    if (node.matches('button, a[href]') && !node.matches('.k-skip') && Math.min(box.width, box.height) < 64) {
      narrow.push(`${name(node)} ${Math.round(box.width)}x${Math.round(box.height)}`);
    }
    const scrolls = node.closest('.k-scroll, .k-heard, .k-note, .k-candidates, .k-typed');
    if (!scrolls && !node.matches('.k-skip') && (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)) {
      outside.push(`${name(node)} ${[box.left, box.top, box.right, box.bottom].map(Math.round)}`);
    }
    if (node.scrollWidth > node.clientWidth + 2 && node.clientWidth && getComputedStyle(node).display !== 'inline'
        && !node.matches('.k-brand, .k-avatar, .k-avatar *, ruby *, ruby')) outside.push(`wide ${name(node)}`);
  }
  return { small, narrow, outside, scrolled: document.documentElement.scrollWidth > innerWidth };
}"""

# The lowest contrast of any visible text with what lies behind it, and where that is.
CONTRAST = """() => {
  const top = [...document.querySelectorAll('dialog[open]')].pop() || document.getElementById('kiosk');
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(one).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  let lowest = [99, ''];
  for (const node of top.querySelectorAll('*')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest('svg, [inert], .k-unseen, .k-skip, button:disabled') || !node.checkVisibility({ visibilityProperty: true })) continue;
    const [one, two] = [light(parts(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < lowest[0]) lowest = [ratio, `${node.className || node.tagName}: ${node.textContent.trim().slice(0, 20)}`];
  }
  return lowest;
}"""


class Kiosk:
    """One running server of the kiosk's page, which can be killed and started again on the same port."""

    table = b""  # the keyboard's, made once

    def __init__(self, port: int = 0, **config: Any) -> None:
        self.port, self.starts, self.config = port, 0, config
        self.say = QUESTION
        self.conversation = ScriptedConversation(pause=0.01)
        self.voice = FakeVoice()
        self.sessions: list[VoiceSession] = []

    def app(self) -> Any:
        self.starts += 1
        instance = f"start-{self.starts}"
        fields = {
            "asks_per_minute": 1000,
            "public_url": "http://kiosk.example",
            "kiosk_pin_hash": hash_pin(PIN),
            **self.config,
        }
        settings = Settings(_env_file=None, **fields)
        self.people = People(self.conversation, Desk())
        health = {"ready": True, "hears": True, "speaks": True, "instance": instance}
        app = build_app(self.people, lambda: health, settings)
        add_takeaway(app, self.people, settings)
        add_calls(app, self.people)
        engines = Engines(
            FakeRecogniser(lambda sound: self.say),
            FakeVoiceActivity,
            voice=self.voice,
            detector=FakeTurnDetector(),
            speed=settings.voice_speed,
        )

        def open_session(session: str, language: object) -> VoiceSession:
            self.loop = asyncio.get_running_loop()
            self.sessions.append(VoiceSession(self.people, engines, session, None, expects=self.people.expects))
            return self.sessions[-1]

        add_voice(
            app,
            open_session,
            self.people.erase,
            app.state.limiter.allow,
            recording=settings.keep_recordings,
            people=self.people,
        )
        table = mount_kiosk(app, self.people, settings, instance)
        table._made = made = Kiosk.table or table.get()  # its making would take the tests' time
        Kiosk.table = made
        return mount(app, self.people)

    def staff(self, act: Callable[[], Any]) -> Any:
        """What a staff member does, in the server's own loop; there is one after somebody has begun a session."""

        async def do() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(do(), self.loop).result(10)

    def start(self) -> None:
        self.server = uvicorn.Server(uvicorn.Config(self.app(), host="127.0.0.1", port=self.port, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + 30
        while not self.server.started:
            assert time.monotonic() < deadline, "the kiosk did not start in 30 seconds"
            time.sleep(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def kill(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/kiosk"


@contextmanager
def kiosk(**config: Any) -> Iterator[Kiosk]:
    """A running kiosk; ``config`` are settings."""
    served = Kiosk(**config)
    served.start()
    yield served
    served.kill()
