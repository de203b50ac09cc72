"""The composition of hearing and speaking: engines in their chains, and what is prepared of them."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from pathlib import Path

from assistant.dialogue.pcm import to_pcm
from assistant.dialogue.session import Engines
from assistant.errors import HearError, JiamenkouError, SpeakError
from assistant.hear.chain import RecogniserChain
from assistant.hear.complete import asks_something
from assistant.hear.hallucination import Hallucinations, voiced_seconds
from assistant.hear.server import ServerRecogniser
from assistant.hear.turn_end import SmartTurn
from assistant.hear.vad import SileroActivity, SileroNetwork
from assistant.hear.whisper import WhisperRecogniser
from assistant.main import Library, weight_store
from assistant.retrieve.gate import Gate
from assistant.retrieve.repair import SpeechRepair
from assistant.retrieve.search import ReleaseSearch
from assistant.retrieve.words import HAN
from assistant.settings import Settings
from assistant.speak.chain import VoiceChain
from assistant.speak.edge import EdgeVoice
from assistant.speak.fastspeech2 import FastSpeech2Voice
from assistant.speak.kokoro import KokoroVoice
from assistant.speak.prepared import PreparedStore
from assistant.turn import Knowledge
from assistant.understand.clean import clean_question
from assistant.understand.question import make_question
from assistant.voice_contracts import (
    HEARD_RATE,
    PreparedSpeech,
    Recogniser,
    Repair,
    Sound,
    Speech,
    Voice,
    VoiceActivity,
)

# Words that people say to a kiosk and a recogniser may not expect.
CONTEXT = "加装电梯，养老床位，长护险，适老化改造，托育，托班，一网通办，社保卡，一刻钟生活圈，12345"
LEXICON = 20_000  # passages whose words are repaired towards
QUIET = 4.0  # seconds without anybody speaking before background work goes on


@lru_cache(maxsize=4)
def _network(path: Path) -> SileroNetwork:
    return SileroNetwork(path)


def make_activity(settings: Settings, gate: bool = True) -> Callable[[], VoiceActivity]:
    """A voice detector for each stream; the network is shared. With ``gate`` quiet frames cost nothing."""
    network = _network(weight_store(settings).path("silero-vad"))
    return lambda: SileroActivity(network, gate)


def make_recogniser(settings: Settings) -> Recogniser:
    """The recognisers that settings name, the local one behind a server's."""
    engines: list[Recogniser] = []
    if settings.recogniser_url:
        engines.append(ServerRecogniser(settings.recogniser_url, settings.recogniser_model, settings.recogniser_key))
    try:
        folder = Path(settings.recogniser)
        if not folder.is_dir():
            folder = weight_store(settings).path(settings.recogniser)
        engines.append(
            WhisperRecogniser(
                folder,
                settings.recogniser_threads,
                gate=Hallucinations(),
                meter=voiced_seconds(make_activity(settings, gate=False)),
            )
        )
    except JiamenkouError:
        if not engines:
            raise
    return RecogniserChain(engines)


def make_voice(settings: Settings) -> Voice | None:
    """The voices that settings name, best first; None when ``voice`` is none."""
    if settings.voice == "none":
        return None
    store, cache = weight_store(settings), settings.data_folder / "voices"
    makers: dict[str, Callable[[], Voice]] = {
        "edge": lambda: EdgeVoice(deadline=settings.edge_deadline),
        "kokoro": lambda: KokoroVoice(
            store.path("kokoro-82m"), cache, settings.voice_style, threads=settings.voice_threads
        ),
        "light": lambda: FastSpeech2Voice(store.path("fastspeech2-baker"), cache, threads=settings.voice_threads),
    }
    voices: list[Voice] = []
    for name in dict.fromkeys((settings.voice, "kokoro", "light")):
        try:
            voices.append(makers[name]())
        except JiamenkouError:
            continue  # its weights are not here: the next one
    return VoiceChain(voices)  # raises SpeakError when there is none


def make_prepared(settings: Settings, voice: Voice, busy: Busy | None = None) -> PreparedStore:
    """Clips of the first voice that runs here, in the data folder; made only while it isn't ``busy``."""
    voices = voice.voices if isinstance(voice, VoiceChain) else (voice,)
    local = next((each for each in voices if not isinstance(each, EdgeVoice)), voices[0])
    if busy is not None:
        local = PoliteVoice(local, busy)
    return PreparedStore(local, settings.data_folder / "speech", speeds=(settings.voice_speed,), kept=2000)


class Repairs:
    """Repair of heard text against the current release; read anew when another is published."""

    def __init__(self, library: Library) -> None:
        self._library, self._gate = library, Gate()
        self._release, self._repair = "", SpeechRepair((), ())

    def __call__(self, text: str) -> Repair:
        """``text`` with misheard words of the domain put right."""
        knowledge = self._library.knowledge()
        if knowledge.release != self._release:
            self._repair = SpeechRepair(*lexicon(knowledge))
            self._release = knowledge.release

        def sureness(heard: str) -> float:
            question = make_question(clean_question(heard), aliases=knowledge.aliases)
            retriever = knowledge.retriever
            # Retrieval mends the same words silently; here it is asked whether mending helps.
            find = retriever.as_heard if isinstance(retriever, ReleaseSearch) else retriever.search
            evidence = find(question, self._library.today())
            return self._gate.confidence(evidence) if evidence.candidates else 0.0

        try:
            return self._repair.repair(text, sureness)
        except JiamenkouError:
            return Repair(text, text)


class Settled:
    """Whether words that may or may not be whole are a question that the documents answer."""

    SURE = 0.6  # confidence of the gate

    def __init__(self, library: Library, repair: Callable[[str], Repair]) -> None:
        self._library, self._repair, self._gate = library, repair, Gate()

    def __call__(self, heard: str) -> bool:
        """True for a question word with a sure answer: nothing more is needed to answer it."""
        if not asks_something(heard):
            return False
        text = self._repair(heard).text
        knowledge = self._library.knowledge()
        try:
            question = make_question(clean_question(text), aliases=knowledge.aliases)
            if question.bare:
                return False
            if knowledge.structure.answer(question) is not None:
                return True
            decision = self._gate.decide(question, knowledge.retriever.search(question, self._library.today()))
        except JiamenkouError:
            return False
        return decision.action == "answer" and decision.confidence >= self.SURE


def lexicon(knowledge: Knowledge) -> tuple[list[str], list[str]]:
    """Words to repair towards, and all texts whose words are taken as heard right; of a huge release the first part."""
    import jieba

    jieba.setLogLevel(60)  # it announces its dictionary otherwise
    corpus, passages = knowledge.corpus, list(islice(knowledge.passages.values(), LEXICON))
    words = [word for group in corpus.synonyms for word in group]
    words += [name for passage in passages for name in passage.departments]
    for passage in passages:
        if not passage.sample and not passage.gives_orders:
            words += [word for word in jieba.cut(passage.text) if len(word) > 1]
    texts = [*(p.text for p in passages), *(q for p in passages for q in p.phrasings)]
    texts += [q for referral in corpus.referrals for q in referral.phrasings] + words
    return [word for word in words if all(HAN.match(c) for c in word)], texts


class Busy:
    """Whether anybody speaks or is spoken to: background work waits meanwhile, and a little after."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last = clock, -QUIET

    def __call__(self, busy: bool) -> None:
        """Somebody began or ended."""
        self._last = self._clock() + (20.0 if busy else 0.0)  # who never reports the end holds nothing up for long

    async def quiet(self) -> None:
        """Return when it has been quiet."""
        while self._clock() - self._last < QUIET:
            await asyncio.sleep(0.2)


class PoliteVoice:
    """A voice for background work: it speaks only when nobody else is listened or spoken to."""

    def __init__(self, voice: Voice, busy: Busy) -> None:
        self.name, self._voice, self._busy = voice.name, voice, busy

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """See ``Voice``."""
        await self._busy.quiet()
        return await self._voice.speak(clause, speed)

    async def close(self) -> None:
        """The voice belongs to others."""


def make_engines(settings: Settings, library: Library) -> Engines:
    """Everything a voice session needs, without a voice when none is installed.

    Raises JiamenkouError when hearing can't be set up.
    """
    activity, repairs = make_activity(settings), Repairs(library)
    try:
        voice = make_voice(settings)
    except SpeakError:
        voice = None  # answers are shown, and not spoken
    prepared: PreparedSpeech | None = make_prepared(settings, voice) if voice is not None else None
    try:
        detector = SmartTurn(weight_store(settings).path("smart-turn-v3.2"))
    except JiamenkouError:
        detector = None  # rules on the words do without it
    return Engines(
        recogniser=make_recogniser(settings),
        activity=activity,
        voice=voice,
        prepared=prepared,
        detector=detector,
        repair=repairs,
        settled=Settled(library, repairs),
        context=CONTEXT,
        speed=settings.voice_speed,
        keep=keeper(settings.data_folder / "recordings") if settings.keep_recordings else None,
    )


def keeper(folder: Path) -> Callable[[Sound, str], None]:
    """Writes each utterance as a wav file with its text beside it; only when the operator asked for it."""

    def keep(sound: Sound, text: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f"{time.time_ns()}"
        with wave.open(str(name.with_suffix(".wav")), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(HEARD_RATE)
            file.writeframes(to_pcm(sound))
        name.with_suffix(".txt").write_text(text, encoding="utf-8")

    return keep


def read_recogniser(settings: Settings) -> tuple[Recogniser, VoiceActivity]:
    """A recogniser and a detector for files. Raises HearError when they can't be set up."""
    try:
        return make_recogniser(settings), make_activity(settings)()
    except JiamenkouError as error:
        raise HearError(error.message, error.hint) from error


def engines_or_none(settings: Settings, library: Library, say: Callable[[str], None]) -> Engines | None:
    """The engines, or None with a word on why; the page is for typing then."""
    try:
        return make_engines(settings, library)
    except JiamenkouError as error:
        say(f"No voice: {error} Questions can be typed.")
        return None
