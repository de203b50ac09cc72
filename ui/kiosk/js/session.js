// One person's session: it listens, asks, shows, warns before it ends, and leaves nothing behind.
import { ask } from "/ui/ask.js";
import { Captions } from "/ui/captions.js";
import { Talk } from "/ui/talk.js";

const VOLUMES = [1, 1.6, 2.4];
const LATE = 45_000; // ms after which a question that brings nothing is given up
const WORKING = new Set(["hearing", "thinking", "speaking"]);

// An id that can't be guessed: whoever knows it can go on with the conversation.
function newSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

export class Session extends Talk {
  // `parts` are {screen, face, card, keyboard, person}; `ended()` is called when everything has been wiped,
  // `cut()` when the line breaks.
  constructor(parts, ended, cut) {
    super(new Captions(parts.screen.find(".k-said"), (texts) => parts.screen.lines(texts)));
    Object.assign(this, parts, { ended, cut });
    this.id = "";
    this.baseVolume = 1; // of this machine, set by staff
    this.screen.changed(() => this._changed());
    this.screen.find(".k-warning").addEventListener("cancel", () => this.stillHere()); // Escape
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this._seen(); });
    for (const type of ["pointerdown", "keydown"]) {
      document.addEventListener(type, () => this._alive(), { capture: true });
    }
  }

  get active() { return Boolean(this.id); }

  // --- begin and end -----------------------------------------------------------------

  // `listen` is false when somebody must agree first.
  async begin(listen = true) {
    this.id = newSession();
    this.speed = null; // as learnt in this session; null is the server's own
    this.step = 0;
    this.asked = 0;
    this.lost = false;
    this.began = this.alive = performance.now();
    this.clockwork = setInterval(() => this._watch(), 250);
    this.show("connecting");
    this.face.gesture("greet");
    try {
      const found = await (await fetch("/health")).json();
      this.hears = found.hears !== false && "hears" in found;
      this.speaks = Boolean(found.speaks);
    } catch {
      this.hears = this.speaks = true; // the watchdog says that the server is away
    }
    if (!this.active) return;
    if (!this.hears) {
      this.show("ready");
      this.tellWord("none");
      return;
    }
    await this._open();
    if (!this.active) return;
    this.player.volume = this._volume();
    this.greet = true;
    this.connect(this.id);
    if (listen) await this._listen();
  }

  // End, and wipe everything about the person: here, in the browser, and on the server.
  async end() {
    if (!this.active) return;
    const { id } = this;
    this.id = "";
    clearInterval(this.clockwork);
    this._closeWarning();
    this.aborter?.abort();
    this.line.send({ type: "erase" });
    this.stop(); // microphone, line, loudspeaker and the clips in it
    this.face.quiet();
    this.person.wipe();
    this.keyboard.wipe();
    this.card.wipe();
    this.captions.clear();
    this.fresh("");
    this.events = [];
    this.shown = new Map();
    this.player.log = [];
    this.about = null;
    this.screen.close();
    this.screen.text(".k-correct", "");
    delete this.screen.find(".k-correct").dataset.heard;
    this.screen.reset();
    this.screen.say(this.screen.word("ended"));
    await Promise.all([this._forget(id), wipeBrowser()]);
    this.ended();
  }

  // The server forgets too; when it is away it is told as soon as it is back.
  async _forget(id) {
    const told = () => fetch(`/api/sessions/${id}`, { method: "DELETE", keepalive: true })
      .then((reply) => reply.status < 500, () => false);
    if (await told()) return;
    const again = setInterval(async () => { if (await told()) clearInterval(again); }, 3000);
  }

  // --- asking ------------------------------------------------------------------------

  // A typed or tapped question: by the line, so that it is spoken, or else without sound.
  async put(text) {
    this._alive();
    this.screen.text(".k-correct", "");
    this.asked += 1;
    this.thinking = performance.now();
    if (this.ask(text)) return;
    await this._silently(text);
  }

  async _silently(text) {
    this.aborter?.abort();
    const aborter = this.aborter = new AbortController();
    this.fresh(text);
    this.showCaption(text, false);
    this.show("thinking");
    let turn = 0;
    let said = "";
    try {
      for await (const event of ask(text, this.id, this.start.language, aborter.signal)) {
        turn = event.turn_id || turn;
        if (event.type === "text") this.captions.whole(said += event.text);
        else if (event.type === "answer") {
          this.captions.whole(event.answer);
          await this.showAnswer({ text, turn_id: turn, answer: event });
        } else if (event.type === "error") this.tell(`${event.error.message}${event.error.hint}` || this.screen.word("unexpected"));
        else if (event.type === "cancelled") this.tellWord("stopped");
      }
    } catch {
      if (!aborter.signal.aborted) this.tellWord("unexpected");
    }
    if (this.active && this.aborter === aborter && this.state === "thinking") this.show(this.line.open ? "listening" : "ready");
  }

  // --- the buttons -------------------------------------------------------------------

  repeat() {
    this._alive();
    if (!this.asked) return this.tellWord("nothing_yet");
    if (this.order("repeat")) return;
    this.put(this.screen.english ? "please repeat" : "再说一遍");
  }

  slower() {
    this._alive();
    if (!this.order("slower")) this.tellWord("volume_mute");
  }

  louder() {
    this._alive();
    if (!this.speaks || !this.line.open) return this.tellWord("volume_mute");
    this.step = (this.step + 1) % VOLUMES.length;
    this.player.volume = this._volume();
    this.tellWord(["volume_back", "volume_now", "volume_most"][this.step]);
    if (!this.player.speaking && this.step) this.line.send({ type: "say", text: this.step === 1 ? "louder" : "loudest" });
  }

  async toggleListening() {
    this._alive();
    if (this.microphone.on) {
      this.microphone.stop();
      this.show(this.state);
      return;
    }
    await this._open();
    if (!this.line.open && this.hears) this.connect(this.id);
    await this._listen();
  }

  // Put what was heard on the keyboard; sending it asks anew.
  correct() {
    const { heard } = this.screen.find(".k-correct").dataset;
    this.order("cancel");
    this.keyboard.open(heard);
  }

  setBaseVolume(value) {
    this.baseVolume = value;
    this.player.volume = this._volume();
  }

  _volume() { return Math.min(3, this.baseVolume * VOLUMES[this.step || 0]); }

  // The loudspeaker; where the browser wants a press first, the session goes on without sound until one comes.
  _open() { return Promise.race([this.open().catch(() => {}), new Promise((done) => setTimeout(done, 1000))]); }

  async _listen() {
    const wrong = await this.listen();
    if (!this.active) return this.microphone.stop();
    if (wrong) this.tellWord(wrong);
    this.show(this.state);
  }

  // --- what Talk tells ---------------------------------------------------------------

  get start() {
    return { language: this.screen.english ? "en" : null, speed: this.speed };
  }

  hear(message) {
    if (!this.active) return;
    if (["speech", "partial", "heard", "hold"].includes(message.type)) this._alive();
    if (message.type === "partial" || message.type === "heard") this.stillHere(); // who speaks is there
    if (message.type === "heard") {
      this.asked += 1;
      this.thinking = performance.now();
      this.face.gesture("nod");
    }
    super.hear(message);
    if (message.type === "listening" && this.greet) {
      this.greet = false;
      this.line.send({ type: "say", text: "greeting" });
    }
  }

  fresh(question) {
    super.fresh(question);
    this.screen.text(".k-who", "");
  }

  other(message) {
    if (message.type === "erased") this.end(); // by the server: nothing of this session is left there
    else this.person.hear(message);
  }

  setSpeed(speed) {
    this.speed = speed;
    this.tell(this.screen.word("speed_now", Math.round((speed / this.screen.config.speed) * 100)));
  }

  setRecording(kept) { this.screen.text(".k-recording", kept ? this.screen.word("recording") : ""); }

  showState(state) {
    const { screen } = this;
    const muted = (state === "listening" || state === "ready") && !this.microphone.on;
    const name = muted ? "muted" : state;
    screen.root.dataset.state = state;
    screen.find(".k-state span").textContent = state === "off" ? "" : screen.word(name);
    const talk = screen.find(".k-talk");
    talk.textContent = screen.word(this.microphone.on ? "mute" : "talk");
    talk.setAttribute("aria-pressed", String(this.microphone.on));
    if (this.face && state !== "off") this.face.state(state);
    if (state === "thinking") this.thinking = performance.now();
    if (state === "reconnecting") this.cut();
  }

  async showCaption(text, tentative) {
    const { screen } = this;
    const place = screen.find(".k-heard");
    const round = this.round = Symbol("round");
    screen.text(".k-heard", text && `${screen.word("you")}：${text}`);
    place.classList.toggle("tentative", tentative);
    if (!text) return;
    if (!tentative) screen.say(place.textContent);
    if (screen.language !== "hant" && !screen.pinyin) return;
    const lines = await screen.lines([text]);
    if (this.round === round && lines && this.active) place.textContent = `${screen.word("you")}：${lines[0].text}`;
  }

  showHeard(text, heard) {
    const { screen } = this;
    const correct = screen.find(".k-correct");
    correct.dataset.heard = heard === undefined ? text : heard;
    screen.text(".k-correct", heard === undefined ? screen.word("correct") : screen.word("misheard", heard));
  }

  showClause({ about, begins }) { this.face.speak(about.visemes, begins); }

  async showAnswer({ turn_id, answer }) {
    const { screen, id } = this;
    this.person.offer(answer);
    const byStaff = answer.engine === "person";
    screen.text(".k-who", byStaff ? screen.word("person_says") : "");
    if (byStaff || answer.engine === "relay") return screen.say(`${byStaff ? screen.word("person_says") : ""} ${answer.answer}`);
    const card = await this.card.show(id, turn_id);
    if (!card || this.id !== id) return;
    screen.say(card.text);
  }

  tell(text) {
    this.screen.text(".k-note", text);
    if (text) this.screen.say(text);
  }

  tellWord(name) { this.tell(this.screen.word(name)); }

  failed(name) {
    if (!this.active) return;
    this.microphone.stop();
    if (name === "none") this.line.close();
    this.tellWord(name);
    this.show(this.line.open ? "listening" : "ready");
  }

  // The server was away. What it remembered is gone when it was started anew.
  came(anew) {
    if (!this.active) return;
    if (anew && this.asked) this.lost = true;
    this.tellWord(this.lost ? "lost" : "back");
    this.lost = false;
    this._alive();
    if (this.hears && !this.line.open && !this.line.session) this.connect(this.id);
  }

  // A page that is hidden hears nothing, but the person may come back to it.
  _hidden() {
    if (!this.active) return;
    this.interrupted = this.microphone.on;
    this.microphone.stop();
    this.show(this.state);
  }

  async _seen() {
    if (!this.active) return;
    if (this.hears && !this.line.session) {
      await this._open();
      this.connect(this.id);
    }
    if (this.interrupted) await this._listen();
    this.interrupted = false;
  }

  // --- walking away ------------------------------------------------------------------

  _alive() {
    this.alive = performance.now();
  }

  // Called four times a second: is somebody there, and has the question brought an answer?
  _watch() {
    const { config } = this.screen;
    const now = performance.now();
    if (this.warned) {
      const left = Math.ceil((this.warned + config.warning_seconds * 1000 - now) / 1000);
      if (left <= 0) return void this.end();
      if (left !== this.left) {
        this.left = left;
        this.screen.find("#k-warning-text").textContent = this.screen.word("warning_text", left);
      }
      return;
    }
    if (this.state === "thinking" && now - this.thinking > LATE) {
      this.order("cancel");
      this.aborter?.abort();
      this.show(this.line.open ? "listening" : "ready");
      this.tellWord("late");
    }
    if (WORKING.has(this.state) || this.person.busy) this.alive = now;
    if (now - this.alive > config.idle_seconds * 1000) this._warn("idle");
    else if (now - this.began > config.session_seconds * 1000 && !WORKING.has(this.state)) this._warn("time");
  }

  _warn(kind) {
    const { screen } = this;
    this.warned = performance.now();
    this.left = screen.config.warning_seconds;
    screen.find("#k-warning-text").textContent = screen.word("warning_text", this.left);
    screen.find("#k-warning-title").textContent = screen.word(`warning_${kind}`);
    screen.open(".k-warning").querySelector('[data-do="still-here"]').focus();
    screen.say(`${screen.word(`warning_${kind}`)} ${screen.word("warning_text", screen.config.warning_seconds)}`);
    this.line.send({ type: "say", text: kind === "idle" ? "still_there" : "time_up" });
    this.face.gesture("greet");
  }

  stillHere() {
    if (!this.warned) return;
    this._closeWarning();
    this.began = this.alive = performance.now();
  }

  _closeWarning() {
    this.warned = 0;
    const dialog = this.screen.find(".k-warning");
    if (dialog.open) dialog.close();
  }

  _changed() {
    if (!this.active) return;
    this.introduce();
    this.showState(this.state);
    this.captions.redraw();
    if (this.card.shown) this.card.show(this.id, this.card.shown.turn_id);
  }
}

// Everything that a browser may have kept of a page.
export async function wipeBrowser() {
  localStorage.clear();
  sessionStorage.clear();
  for (const pair of document.cookie.split("; ").filter(Boolean)) {
    document.cookie = `${pair.split("=")[0]}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/`;
  }
  const databases = indexedDB.databases ? await indexedDB.databases() : [];
  for (const { name } of databases) indexedDB.deleteDatabase(name);
  if (window.caches) for (const name of await caches.keys()) await caches.delete(name);
  if (window.getSelection) getSelection().removeAllRanges();
}
