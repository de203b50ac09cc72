// Voice on the chat page: one button opens microphone, line and loudspeaker; captions show what is said.
import { Captions } from "/ui/captions.js";
import { Talk } from "/ui/talk.js";

const PANEL = `<div class="voice-panel" hidden><div class="voice-face" aria-hidden="true"></div>
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
const POSES = { hearing: "listening", listening: "listening", thinking: "thinking", speaking: "speaking" };

class Voice extends Talk {
  // `value()` is the component's {session, language, words}; `voiced({text, turn_id})` asks for the turn's card.
  constructor(element, value, voiced) {
    element.querySelector(".voice").innerHTML = PANEL;
    super(new Captions(element.querySelector(".voice-said")));
    Object.assign(this, { element, value, voiced });
    this.find = (name) => element.querySelector(`.${name}`);
    this.face = null;
    element.addEventListener("click", (event) => this._press(event));
    this._words();
    this._available();
  }

  get word() { return (this.value() || {}).words || {}; }

  // --- for the page ------------------------------------------------------------------

  // The page's language or session is another one.
  changed() {
    this._words();
    if (!this.on) this.tell(this._lacking());
    else if (this.line.session !== this.value().session) this.connect(this.value().session);
    else this.introduce();
  }

  async turnOn() {
    this.tell("");
    const fresh = !this.on;
    if (!window.isSecureContext) return this.tellWord("insecure");
    if (fresh) {
      this.fresh("");
      this.show("connecting");
    }
    try {
      await this.open(); // while the press of the button still counts
    } catch {
      return this.failed("unable");
    }
    const wrong = await this.listen();
    if (wrong) return this.failed(wrong);
    if (!this.on) this.microphone.stop(); // pressed again meanwhile
    else if (fresh) this.line.connect(this.value().session);
    else this.show("listening");
  }

  // --- presses -----------------------------------------------------------------------

  _press({ target }) {
    if (target.closest(".talk")) {
      if (this.microphone.on || this.state === "connecting") this.stop();
      else this.turnOn();
      return;
    }
    if (target.closest(".voice-correct")) return this._correct();
    const order = target.closest("[data-voice]");
    if (order) this.order(order.dataset.voice === "quiet" ? "cancel" : order.dataset.voice);
  }

  // Put what was heard into the input box; sending it asks anew.
  _correct() {
    this.order("cancel");
    const box = document.querySelector("#composer textarea");
    box.value = this.find("voice-correct").dataset.heard;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  // --- what is shown -----------------------------------------------------------------

  get start() { return { language: this.value().language === "en" ? "en" : null }; }

  setRecording(kept) { this._text("voice-recording", kept ? this.word.recording : ""); }

  setSpeed(speed) { this.tell(this.word.speed.replace("{}", Math.round(speed * 100))); }

  showHeard(text, heard) {
    const correct = this.find("voice-correct");
    correct.dataset.heard = heard === undefined ? text : heard;
    this._text("voice-correct", heard === undefined ? this.word.correct : this.word.misheard.replace("{}", () => heard));
  }

  showAnswer({ text, turn_id }) { this.voiced({ text, turn_id }); }

  showClause({ about, begins }) { if (this.face) this.face.speak(about.visemes, begins); }

  showCaption(text, tentative) {
    this._text("voice-heard", text && `${this.word.you}：${text}`);
    this.find("voice-heard").classList.toggle("tentative", tentative);
    this.find("voice-correct").hidden = true;
  }

  other({ type }) { if (type === "erased") this.stop(); } // nothing of this session is left on the server

  tell(text) { this._text("voice-note", text); }

  tellWord(name) { this.tell(this.word[name]); }

  showState(state) {
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
    this._face(state);
  }

  // 小沪 is there as long as voice is on; the page works without her.
  async _face(state) {
    if (state === "off") {
      if (this.face) this.face.destroy();
      this.face = null;
      this.drawing = null;
      return;
    }
    if (!this.drawing) {
      const drawing = this.drawing = import("/ui/avatar/avatar.js").catch(() => null);
      const made = await drawing;
      if (!made || this.drawing !== drawing) return;
      this.face = made.createAvatar(this.find("voice-face"), { now: () => this.player.clock, view: "bust", maxFps: 30 });
    }
    if (!this.face) return;
    if (state !== "speaking") this.face.stopSpeaking();
    this.face.setPose(POSES[this.state] || "idle");
  }

  _text(name, text) {
    const node = this.find(name);
    node.textContent = text || "";
    node.hidden = !text;
  }

  _words() {
    for (const button of this.element.querySelectorAll("[data-voice]")) {
      button.textContent = this.word[button.dataset.voice] || "";
    }
    this.show(this.state);
  }

  // Whether this server hears and speaks at all.
  async _available() {
    let found = { hears: true, speaks: true }; // when nobody tells: the button will show
    try {
      found = await (await fetch("/health")).json();
    } catch { /* tried again when the button is pressed */ }
    this.found = found;
    this.find("talk").hidden = !found.hears;
    this.tell(this._lacking());
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
