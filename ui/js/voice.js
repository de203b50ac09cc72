// Voice on the resident's page: one button opens microphone, line and loudspeaker; captions show what is said.
import { Line, Microphone } from "/ui/line.js";
import { Player } from "/ui/player.js";

const PANEL = `<div class="voice-panel" hidden>
  <div class="voice-top"><p class="voice-state" role="status"></p><p class="voice-recording" hidden></p></div>
  <p class="voice-heard" hidden></p><button type="button" class="voice-correct" hidden></button>
  <p class="voice-said" hidden></p>
  <div class="voice-buttons"><button type="button" data-voice="repeat"></button
    ><button type="button" data-voice="slower"></button><button type="button" data-voice="faster"></button
    ><button type="button" data-voice="quiet"></button></div>
</div><p class="voice-note" role="alert" hidden></p>
<button type="button" class="talk" aria-pressed="false" hidden><svg viewBox="0 0 24 24" aria-hidden="true"><path
  d="M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 0 0-7 0v5A3.5 3.5 0 0 0 12 15zm6-3.5a6 6 0 0 1-12 0M12 17.5V21"/></svg
  ><span></span></button>`;
const CAPTION_TICK = 60; // ms between two looks at which character is spoken
const EVENTS = 400; // messages kept for `events`
const PAUSE = 4000; // ms without a word after which nobody is being heard any more

class Voice {
  // `value()` is the component's {session, language, words}; `voiced({text, turn_id})` asks for the turn's card.
  constructor(element, value, voiced) {
    Object.assign(this, { element, value, voiced });
    element.querySelector(".voice").innerHTML = PANEL;
    this.find = (name) => element.querySelector(`.${name}`);
    this.state = "off";
    this.events = []; // {type, turn_id, at}: messages as they came, `at` in ms of the page
    this.about = null; // the audio message whose sound comes next
    this.question = ""; // what the next turn answers
    this.busy = false; // a turn has been asked for and not all of its sound has come
    this.running = -1; // the turn that this is, once it has started
    this.shown = new Map(); // turn: the question of its card
    this.player = new Player(
      (turn_id, sequence, milliseconds) => this.line.send({ type: "played", turn_id, sequence, milliseconds }),
      () => this._sounding(),
    );
    this.line = new Line(
      (message) => this._hear(message),
      (turn, sequence, samples) => this._sound(turn, sequence, samples),
      (name) => this._line(name),
    );
    this.microphone = new Microphone((samples) => this.line.frame(samples), () => this._fail("unplugged"));
    element.addEventListener("click", (event) => this._press(event));
    document.addEventListener("visibilitychange", () => { if (document.hidden) this._hidden(); });
    this._words();
    this._available();
  }

  get word() { return (this.value() || {}).words || {}; }
  get on() { return this.state !== "off"; }

  // --- for the page ------------------------------------------------------------------

  // Ask by the line, so that the answer is spoken; false when voice is off and the page must ask itself.
  ask(text) {
    if (!this.on || !this.line.open) return false;
    this.player.stop(this.player.turn);
    this._new(text);
    this._caption(text);
    this._think();
    return this.line.send({ type: "ask", text });
  }

  // The page's language or session is another one.
  changed() {
    this._words();
    if (!this.on) this._note(this._lacking());
    else if (this.line.session !== this.value().session) {
      this.player.clear();
      this._new("");
      this.line.connect(this.value().session);
      this._show("connecting");
    } else this._language();
  }

  async start() {
    this._note("");
    if (!window.isSecureContext) return this._note(this.word.insecure);
    if (!navigator.mediaDevices || !window.AudioWorkletNode) return this._note(this.word.unable);
    const fresh = !this.on;
    if (fresh) {
      this._new("");
      this._show("connecting");
    }
    try {
      await this.player.open(); // while the press of the button still counts
      await this.microphone.start();
    } catch (error) {
      const known = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing", NotReadableError: "taken" };
      return this._fail(known[error.name] || "unable");
    }
    if (!this.on) this.microphone.stop(); // pressed again meanwhile
    else if (fresh) this.line.connect(this.value().session);
    else this._show("listening");
  }

  stop() {
    this.microphone.stop();
    this.line.send({ type: "cancel" });
    this.line.close();
    this.player.close();
    clearInterval(this.timer);
    this._show("off");
  }

  // --- presses -----------------------------------------------------------------------

  _press({ target }) {
    if (target.closest(".talk")) {
      if (this.microphone.on || this.state === "connecting") this.stop();
      else this.start();
      return;
    }
    if (target.closest(".voice-correct")) return this._correct();
    const order = target.closest("[data-voice]");
    if (!order) return;
    const type = order.dataset.voice === "quiet" ? "cancel" : order.dataset.voice;
    if (!this.line.send({ type })) return;
    if (type === "cancel") this._hush();
    if (type === "repeat") {
      this._hush();
      this.question = null; // said again, not shown again
    }
  }

  // Put what was heard into the input box; sending it asks anew.
  _correct() {
    this.line.send({ type: "cancel" });
    this._hush();
    const box = document.querySelector("#composer textarea");
    box.value = this.find("voice-correct").dataset.heard;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  // Be quiet here at once; the server's own message follows.
  _hush() {
    this.busy = false;
    this.player.stop(this.player.turn);
    this._show("listening");
  }

  // Nobody is listened to behind their back; what is being said may be said to its end.
  _hidden() {
    if (!this.on) return;
    this.microphone.stop();
    if (this.player.speaking || this.busy) this._show(this.state);
    else this.stop();
  }

  // --- the line ----------------------------------------------------------------------

  _hear(message) {
    const { type, turn_id } = message;
    this.events = [...this.events.slice(1 - EVENTS), { type, turn_id, at: performance.now() }];
    if (type === "audio") this.about = message;
    else if (type === "listening") {
      this._text("voice-recording", message.recording ? this.word.recording : "");
      this.busy = false;
      this._language();
      this._show("listening");
    } else if (type === "speech") this._hearing();
    else if (type === "hold") {
      this.player.hold();
      this._hearing();
    } else if (type === "resume") {
      this.player.resume();
      this._idle();
    } else if (type === "stop") {
      if (turn_id === this.running) this.busy = false;
      this.player.stop(turn_id); // a state of hearing is of something newer
      if (this.state === "thinking") this._idle();
    } else if (type === "partial") {
      this._caption(message.text, true);
      this._hearing();
    } else if (type === "heard") this._asked(message);
    else if (type === "nothing") {
      this._caption("");
      this._note(message.reason === "unsure" ? this.word.unsure : "");
      this._idle();
    } else if (type === "speed") this._note(this.word.speed.replace("{}", Math.round(message.text * 100)));
    else if (type === "finished") {
      if (turn_id === this.running) this.busy = false;
      this.player.finish(turn_id);
      if (this.state === "thinking") this._idle();
    } else if (type === "error") {
      this._note(message.message);
      this.busy = false;
      if (this.state === "thinking") this._idle();
    } else this._turn(message);
  }

  _turn({ type, turn_id, error }) {
    if (type === "turn.started") {
      this.player.begin(turn_id);
      this.shown = new Map([[turn_id, this.question]]);
      this._clearSaid();
      this._think();
      this.running = turn_id;
    } else if (type === "turn.answer") {
      const text = this.shown.get(turn_id);
      if (text) this.voiced({ text, turn_id });
    } else if (type === "turn.error") this._note(error.message);
    else if (type === "turn.cancelled" && turn_id === this.running) {
      this.busy = false;
      if (this.state === "thinking") this._idle();
    }
  }

  _asked({ text, heard, changes }) {
    this._new(text);
    this._caption(text, false);
    const correct = this.find("voice-correct");
    correct.dataset.heard = changes ? heard : text;
    this._text("voice-correct", changes ? this.word.misheard.replace("{}", () => heard) : this.word.correct);
    this._think();
  }

  _sound(turn, sequence, samples) {
    const { about } = this;
    this.about = null;
    if (!about || about.turn_id !== turn || about.sequence !== sequence) return;
    if (!this.player.add(turn, sequence, samples, about)) return;
    if (sequence === 0) this._clearSaid();
    const clause = document.createElement("span");
    clause.textContent = about.text;
    this.find("voice-said").append(clause);
    this.find("voice-said").hidden = false;
  }

  _line(name) {
    this.player.clear();
    if (name === "refused") {
      const said = this.find("voice-note").textContent;
      this.stop();
      this._note(said);
      return;
    }
    this._show("reconnecting");
    fetch("/health").then((reply) => reply.json()).then(({ hears }) => {
      if (!hears && this.state === "reconnecting") this._fail("none");
    }).catch(() => {}); // not reachable at all: the line tries again
  }

  _language() {
    this.line.send({ type: "start", language: this.value().language === "en" ? "en" : null, rate: 16000 });
  }

  // --- what is shown -----------------------------------------------------------------

  _think() {
    this.busy = true;
    this.running = -1;
    this._show("thinking");
  }

  // Someone speaks; a server that ends this silently (after 停) leaves no trace of it.
  _hearing() {
    this._show("hearing");
    clearTimeout(this.pause);
    this.pause = setTimeout(() => { if (this.state === "hearing") this._idle(); }, PAUSE);
  }

  _idle() {
    if (this.on) this._show(this.player.speaking && !this.player.held ? "speaking" : this.busy ? "thinking" : "listening");
  }

  // Sound began or ended: the state follows, unless someone speaks or the answer is looked for.
  _sounding() {
    if (!this.on) return;
    clearInterval(this.timer);
    if (!this.player.speaking) {
      this._follow();
      if (document.hidden && !this.microphone.on) this.stop();
      else if (this.state === "speaking") this._idle();
      return;
    }
    this.timer = setInterval(() => this._follow(), CAPTION_TICK);
    if (!this.player.held) this._show("speaking");
  }

  // Colour what has been spoken, up to the character that is heard now.
  _follow() {
    const { position } = this.player;
    if (!position) return;
    const { sequence, milliseconds, about } = position;
    const said = this.find("voice-said");
    const ends = about.marks.filter(([start]) => start <= milliseconds).map(([, , , end]) => end);
    const share = about.milliseconds ? milliseconds / about.milliseconds : 1;
    const characters = [...about.text];
    const spoken = share >= 1 ? characters.length
      : about.marks.length ? Math.max(0, ...ends) : Math.floor(characters.length * share);
    const place = `${sequence} ${spoken}`;
    if (said.dataset.place === place) return;
    said.dataset.place = place;
    for (const [index, clause] of [...said.children].entries()) {
      if (index !== sequence) clause.className = index < sequence ? "spoken" : "";
      else {
        clause.className = "";
        const done = document.createElement("b");
        done.textContent = characters.slice(0, spoken).join("");
        clause.replaceChildren(done, characters.slice(spoken).join(""));
        said.scrollTop += done.getBoundingClientRect().bottom - said.getBoundingClientRect().top - said.clientHeight * 0.7;
      }
    }
  }

  _clearSaid() {
    const said = this.find("voice-said");
    said.replaceChildren();
    said.hidden = true;
    said.dataset.place = "";
  }

  _new(question) {
    this.question = question;
    this._note("");
    this._caption("");
    this._clearSaid();
  }

  _caption(text, tentative = false) {
    this._text("voice-heard", text && `${this.word.you}：${text}`);
    this.find("voice-heard").classList.toggle("tentative", tentative);
    this.find("voice-correct").hidden = true;
  }

  _note(text) { this._text("voice-note", text); }

  _text(name, text) {
    const node = this.find(name);
    node.textContent = text || "";
    node.hidden = !text;
  }

  _fail(name) {
    this.stop();
    this._note(this.word[name]);
  }

  _show(state) {
    this.state = state;
    const { microphone, word } = this;
    const panel = this.find("voice-panel");
    panel.hidden = state === "off";
    panel.dataset.state = state;
    const muted = state === "listening" && !microphone.on;
    this.find("voice-state").textContent = word[muted ? "muted" : state] || "";
    const talk = this.find("talk");
    const active = state !== "off" && (microphone.on || state === "connecting");
    talk.setAttribute("aria-pressed", String(active));
    talk.querySelector("span").textContent = word[active ? "end" : "talk"] || "";
  }

  _words() {
    for (const button of this.element.querySelectorAll("[data-voice]")) {
      button.textContent = this.word[button.dataset.voice] || "";
    }
    this._show(this.state);
  }

  // Whether this server hears and speaks at all.
  async _available() {
    let found = { hears: true, speaks: true }; // when nobody tells: the button will show
    try {
      found = await (await fetch("/health")).json();
    } catch { /* tried again when the button is pressed */ }
    this.found = found;
    this.find("talk").hidden = !found.hears;
    this._note(this._lacking());
  }

  _lacking() {
    if (!this.found) return "";
    return !this.found.hears ? this.word.none : this.found.speaks ? "" : this.word.mute;
  }
}

export function attach(element, value, voiced) {
  const voice = new Voice(element, value, voiced);
  window.jiamenkouVoice = voice;
  return voice;
}
