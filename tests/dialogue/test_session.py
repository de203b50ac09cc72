"""A voice session: who speaks when, what is kept, and that nothing stale is ever sent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from assistant.answer.fake_llm import Lie, LyingLanguageModel
from assistant.contracts import Language, TurnEvent
from assistant.dialogue.phrases import PHRASES
from assistant.dialogue.session import Engines, VoiceSession
from assistant.dialogue.speaking import FILLERS
from assistant.hear.chain import RecogniserChain
from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
from assistant.main_voice import keeper
from assistant.settings import Settings
from assistant.speak.chain import VoiceChain
from assistant.speak.fake import FakeVoice
from assistant.turn import Knowledge
from assistant.voice_contracts import FRAME, Repair, Sound, Speech, VoiceEvent
from tests.dialogue.echo import EchoConversation, silence, tone
from tests.small_world import open_assistant, published, small_corpus


class Client:
    """Feeds a session and keeps what it says."""

    def __init__(self, session: VoiceSession) -> None:
        self.session = session
        self.events: list[VoiceEvent] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.session.events():
            self.events.append(event)

    async def hear(self, *sounds: Sound) -> None:
        for sound in sounds:
            for start in range(0, len(sound), FRAME):
                self.session.hear(sound[start : start + FRAME])
                await asyncio.sleep(0)

    async def until(self, kind: str, count: int = 1) -> VoiceEvent:
        async with asyncio.timeout(10):
            while len(found := [e for e in self.events if e.type == kind]) < count:
                await asyncio.sleep(0.005)
        return found[count - 1]

    async def silent_until(self, kind: str, count: int = 1) -> VoiceEvent:
        """Go on feeding silence, as a microphone does, until an event comes."""
        async with asyncio.timeout(10):
            while sum(e.type == kind for e in self.events) < count:
                await self.hear(silence(0.02))
                await asyncio.sleep(0.002)
        return [e for e in self.events if e.type == kind][count - 1]

    def kinds(self) -> list[str]:
        return [e.type for e in self.events]

    async def close(self) -> None:
        await self.session.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


Make = Callable[..., Client]


@pytest.fixture
async def client() -> object:
    made: list[Client] = []

    def make(conversation: object, texts: object = ("养老床位有多少？",), **changes: object) -> Client:
        engines = {"recogniser": FakeRecogniser(texts), "voice": FakeVoice(), **changes}
        engines = Engines(activity=FakeVoiceActivity, **engines)  # type: ignore[arg-type]
        one = Client(VoiceSession(conversation, engines, f"s{len(made)}"))  # type: ignore[arg-type]
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


async def test_a_spoken_question_is_heard_asked_and_answered_aloud(client: Make) -> None:
    conversation = EchoConversation()
    one = client(conversation)
    await one.hear(silence(0.3), tone(0.8))
    await one.silent_until("finished")
    kinds = one.kinds()
    assert kinds.index("speech") < kinds.index("heard") < kinds.index("turn") < kinds.index("audio")
    assert conversation.asked == [("s0", "养老床位有多少？")]
    audio = [e for e in one.events if e.type == "audio"]
    assert [e.sequence for e in audio] == list(range(len(audio)))
    answer = next(e.payload for e in one.events if isinstance(e.payload, TurnEvent) and e.payload.answer)
    assert "".join(e.speech.text for e in audio if e.speech) == answer.answer.text  # type: ignore[union-attr]
    assert len({e.turn_id for e in audio}) == 1


async def test_what_was_misheard_is_shown_beside_what_is_asked(client: Make) -> None:
    conversation = EchoConversation()
    repair = Repair("家装电梯", "加装电梯", (("家装电梯", "加装电梯"),))
    one = client(conversation, ["家装电梯可以吗？"], repair=lambda text: repair)
    await one.hear(tone(0.6))
    heard = await one.silent_until("heard")
    assert heard.repair == repair
    await one.until("finished")
    assert conversation.asked[0][1] == "加装电梯"


@pytest.mark.parametrize("said", ["", "嗯", "哦，好的。"])
async def test_a_cough_or_a_hm_only_holds_and_then_she_goes_on(client: Make, said: str) -> None:
    conversation = EchoConversation()
    one = client(conversation, ["养老床位有多少？", said])
    await one.hear(tone(0.6))
    await one.silent_until("audio")
    await one.hear(tone(0.4))
    assert "hold" in one.kinds()
    await one.silent_until("resume")
    await one.until("finished")
    assert "stop" not in one.kinds()
    assert len(conversation.asked) == 1
    assert conversation.heard_only == []


async def test_speech_stops_her_and_only_what_was_heard_is_kept(client: Make) -> None:
    conversation = EchoConversation()
    one = client(conversation, ["养老床位有多少？", "那托育呢？"])
    await one.hear(tone(0.6))
    first = await one.silent_until("audio")
    one.session.played(first.turn_id, 0, 500.0)
    await one.hear(tone(0.8))
    stop = await one.silent_until("stop")
    assert stop.turn_id == first.turn_id
    await one.silent_until("heard", 2)
    _, turn_id, text = conversation.heard_only[0]
    assert turn_id == first.turn_id
    assert first.speech is not None
    assert 0 < len(text) < len(first.speech.text)
    assert first.speech.text.startswith(text)
    await one.until("finished")
    late = one.events[one.events.index(stop) :]
    assert not [e for e in late if e.type == "audio" and e.turn_id == first.turn_id]
    assert conversation.asked[1][1] == "那托育呢？"


async def test_memory_of_the_real_turn_holds_only_what_was_heard(tmp_path: object, client: Make) -> None:
    knowledge: Knowledge = published(small_corpus(tmp_path / "corpus"), tmp_path / "data")  # type: ignore[operator]
    assistant = open_assistant(knowledge)
    one = client(assistant, ["老年助餐点达到多少个？", "停"])
    await one.hear(tone(0.6))
    await one.silent_until("finished")
    turn = one.events[-1].turn_id
    before = assistant.session("s0").memory[-1]
    assert before.turn_id == turn
    assert before.passage_ids
    one.session.played(turn, 0, 1.0)
    one.session.cancel()
    kept = assistant.session("s0").memory[-1]
    assert len(kept.answer) < 3
    assert kept.passage_ids == ()


async def test_interrupting_ends_the_work_of_the_model_and_of_the_voice(tmp_path: object, client: Make) -> None:
    knowledge: Knowledge = published(small_corpus(tmp_path / "corpus"), tmp_path / "data")  # type: ignore[operator]
    model = LyingLanguageModel(Lie.HANG)
    assistant = open_assistant(knowledge, model)
    one = client(assistant, ["老年助餐点达到多少个？"])
    await one.hear(tone(0.6))
    await one.silent_until("heard")
    async with asyncio.timeout(5):
        while not model.started:
            await asyncio.sleep(0.01)
    one.session.cancel()
    async with asyncio.timeout(2):
        while model.stopped < model.started:
            await asyncio.sleep(0.01)
    voice = FakeVoice(delay=5.0)
    two = client(EchoConversation(), voice=voice)
    await two.hear(tone(0.6))
    await two.silent_until("heard")
    await asyncio.sleep(0.05)
    two.session.cancel()
    async with asyncio.timeout(2):
        while not voice.cancelled:
            await asyncio.sleep(0.01)
    assert "audio" not in two.kinds()


async def test_slower_and_faster_by_voice_and_by_button(client: Make) -> None:
    voice = FakeVoice()
    one = client(EchoConversation(), ["说慢一点"], voice=voice)
    await one.hear(tone(0.6))
    slower = await one.silent_until("speed")
    assert float(slower.text) < 1.0
    await one.until("finished")
    assert any("慢一点" in clause for clause in voice.spoken)
    for _ in range(20):
        one.session.change_speed(slower=False)
    await asyncio.sleep(0.05)
    speeds = [float(e.text) for e in one.events if e.type == "speed"]
    assert max(speeds) <= 1.3
    assert speeds[-1] == 1.3


async def test_who_asks_twice_to_hear_it_again_is_told_more_slowly(client: Make) -> None:
    one = client(EchoConversation())
    one.session.ask("养老床位有多少？")
    await one.until("finished")
    one.session.repeat()
    await one.until("finished", 2)
    assert "speed" not in one.kinds()
    one.session.ask("再说一遍。")
    assert (await one.until("speed")).text == "0.88"
    await one.until("finished", 3)
    for text in ("再说一遍", "托育的事归谁管？", "再说一遍"):
        one.session.ask(text)
        await asyncio.sleep(0.02)
    assert one.kinds().count("speed") == 1, "another question lies between them"


async def test_a_pace_that_was_learnt_is_taken_up_without_a_word(client: Make) -> None:
    voice = FakeVoice()
    one = client(EchoConversation(), voice=voice)
    one.session.pace(0.3)
    assert one.session._speaker.speed == 0.7
    one.session.pace(0.82)
    one.session.ask("养老床位有多少？")
    await one.until("finished")
    assert "speed" not in one.kinds()
    assert one.session._speaker.speed == 0.82


@pytest.mark.parametrize("language", list(Language))
async def test_sentences_of_her_own_are_said_by_name(client: Make, language: Language) -> None:
    voice = FakeVoice()
    one = client(EchoConversation(), voice=voice)
    one.session.language = language
    for name in PHRASES:
        one.session.say(name)
        await one.until("finished", list(PHRASES).index(name) + 1)
    said = "".join(voice.spoken)
    assert all(PHRASES[name][language].split()[0][:4] in said for name in PHRASES)
    with pytest.raises(KeyError):
        one.session.say("anything else")


async def test_a_recogniser_that_hangs_gives_way_to_the_next(client: Make) -> None:
    never = Event()
    chain = RecogniserChain([FakeRecogniser(hang=never, name="hung"), FakeRecogniser(["你好"])], timeout=0.3)
    one = client(EchoConversation(), recogniser=chain)
    await one.hear(tone(0.6))
    heard = await one.silent_until("heard")
    assert heard.text == "你好"
    never.set()


async def test_when_nothing_can_hear_she_says_so(client: Make) -> None:
    voice = FakeVoice()
    one = client(EchoConversation(), recogniser=FakeRecogniser(broken=True), voice=voice)
    await one.hear(tone(1.0))
    nothing = await one.silent_until("nothing")
    assert nothing.reason == "unsure"
    await one.until("finished")
    assert "没听清" in "".join(voice.spoken)


async def test_a_broken_voice_gives_way_and_a_lone_one_leaves_the_text(client: Make) -> None:
    spare = FakeVoice("spare")
    one = client(EchoConversation(), voice=VoiceChain([FakeVoice(fails_after=1), spare], deadline=1.0))
    await one.hear(tone(0.6))
    await one.silent_until("finished")
    clips = [e for e in one.events if e.type == "audio"]
    assert [e.speech.voice for e in clips if e.speech] == ["fake", *["spare"] * (len(clips) - 1)]
    assert len(clips) > 1
    two = client(EchoConversation(), voice=FakeVoice(broken=True))
    await two.hear(tone(0.6))
    await two.silent_until("finished")
    assert "error" in two.kinds()
    assert any(isinstance(e.payload, TurnEvent) and e.payload.answer for e in two.events)


@pytest.mark.slow
async def test_ten_thousand_random_cancels_leave_nothing_stale(client: Make) -> None:
    """Whatever is asked, cancelled and interrupted, no sound of an ended turn is ever sent."""
    chance = random.Random(20261124)
    conversation = EchoConversation()
    one = client(conversation, lambda sound: chance.choice(["停", "那托育呢？", "嗯", "", "慢一点"]))
    cancels = 0
    while cancels < 10_000:
        action = chance.random()
        if action < 0.55:
            one.session.ask(f"问题{cancels}？")
        elif action < 0.62:
            await one.hear(tone(0.2))
        elif action < 0.66:
            await one.hear(silence(0.4))
        else:
            one.session.cancel()
            cancels += 1
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        if len(one.events) > 4000:
            check(one.events)
            del one.events[:-10]
    await asyncio.sleep(0.05)
    check(one.events)
    assert conversation.left > 100, "hardly any turn was interrupted: nothing was tested"


def check(events: list[VoiceEvent]) -> None:
    """No sound of a turn after it was stopped or another one began; epochs only grow."""
    newest, stopped = 0, -1
    for event in events:
        if event.type == "turn" and isinstance(event.payload, TurnEvent) and event.payload.type == "started":
            assert event.turn_id > newest
            newest = event.turn_id
        elif event.type == "stop":
            stopped = max(stopped, event.turn_id)
        elif event.type in ("audio", "finished"):
            assert event.turn_id > stopped, f"stale {event.type} of turn {event.turn_id} after the stop of {stopped}"
            assert event.turn_id >= newest or newest == 0
            newest = max(newest, event.turn_id)


async def test_a_microphone_that_is_switched_off_in_the_middle_ends_the_turn(client: Make) -> None:
    conversation = EchoConversation()
    one = client(conversation)
    await one.hear(tone(0.6), silence(0.3))
    await one.until("heard")
    assert len(conversation.asked) == 1


async def test_sound_is_kept_only_when_the_operator_said_so(tmp_path: Path, client: Make) -> None:
    kept: list[tuple[int, str]] = []
    one = client(EchoConversation(), keep=lambda sound, text: kept.append((len(sound), text)))
    await one.hear(tone(0.6))
    await one.silent_until("heard")
    assert kept
    assert kept[0][1] == "养老床位有多少？"
    folder = tmp_path / "recordings"
    keeper(folder)(tone(0.5), "你好")
    assert {path.suffix for path in folder.iterdir()} == {".wav", ".txt"}
    assert Settings(_env_file=None).keep_recordings is False  # the default: make_engines then passes no keeper


async def test_a_filler_covers_the_wait_for_a_first_clause(client: Make) -> None:
    class Ready:
        def find(self, clause: str, speed: float = 1.0) -> Speech | None:
            return Speech(clause, tone(0.4), prepared=True) if clause in FILLERS.values() else None

        async def prepare(self, clauses: object, progress: object) -> int:
            return 0

    one = client(EchoConversation(), prepared=Ready(), voice=FakeVoice(delay=0.2))
    await one.hear(tone(0.6))
    await one.silent_until("finished")
    clips = [e.speech for e in one.events if e.type == "audio" and e.speech]
    assert clips[0].prepared
    assert clips[0].text == ""  # it is no part of the answer
    assert "".join(clip.text for clip in clips).startswith("您问的是")
