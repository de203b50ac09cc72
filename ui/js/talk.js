// One talk over the voice line: what is heard, asked and said, and in which state that is. Shows nothing by itself.
import { Line, Microphone } from "/ui/line.js";
import { Player } from "/ui/player.js";

const CAPTION_TICK = 60; // ms between two looks at which character is spoken
const EVENTS = 400; // messages kept for `events`
const PAUSE = 4000; // ms without a word after which nobody is being heard any more
const MICROPHONE_ERRORS = {
  NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing", NotReadableError: "taken",
};

// A face extends this and overrides what stands under "for the face to show".
export class Talk {
  constructor(captions) {
    this.captions = captions;
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
      (message) => this.hear(message),
      (turn, sequence, samples) => this._sound(turn, sequence, samples),
      (name) => this._line(name),
    );
    this.microphone = new Microphone((samples) => this.line.frame(samples), () => this.failed("unplugged"));
    document.addEventListener("visibilitychange", () => { if (document.hidden) this._hidden(); });
  }

  // --- for the face to show ----------------------------------------------------------

  get start() { return { language: null }; } // what the line is begun with, beside the rate
  showState() {}
  showCaption() {} // (text, tentative): the resident's words
  showHeard() {} // (text, heard or undefined): what is asked, and what was heard when that was mended
  showClause() {} // (clip): its sound has been placed at clip.begins
  showAnswer() {} // ({text, turn_id}): the turn has its answer
  tell() {} // (text)
  tellWord() {} // (name, fill): a sentence of the page's own
  setRecording() {} // (true when what is said is kept)
  other() {} // (message): of a type that this doesn't know

  // --- for the face to do ------------------------------------------------------------

  get on() { return this.state !== "off"; }

  // Ask by the line, so that the answer is spoken; false when there is none and the face must ask itself.
  ask(text) {
    if (!this.on || !this.line.open) return false;
    this.player.stop(this.player.turn);
    this.fresh(text);
    this.showCaption(text, false);
    this._think();
    return this.line.send({ type: "ask", text });
  }

  // Open the loudspeaker; must be called from a press of a button.
  async open() { await this.player.open(); }

  // Open the microphone. Resolves to "" or to the name of what is wrong.
  async listen() {
    if (!window.isSecureContext) return "insecure";
    if (!navigator.mediaDevices || !window.AudioWorkletNode) return "unable";
    try {
      await this.microphone.start();
    } catch (error) {
      return MICROPHONE_ERRORS[error.name] || "unable";
    }
    return "";
  }

  connect(session) {
    this.player.clear();
    this.fresh("");
    this.line.connect(session);
    this.show("connecting");
  }

  stop() {
    this.microphone.stop();
    this.line.send({ type: "cancel" });
    this.line.close();
    this.player.close();
    clearInterval(this.timer);
    clearTimeout(this.pause);
    this.busy = false;
    this.show("off");
  }

  // One of repeat, slower, faster, cancel; false when there is no line.
  order(type) {
    if (!this.line.send({ type })) return false;
    if (type === "cancel") this.hush();
    if (type === "repeat") {
      this.hush();
      this.question = null; // said again, not shown again
    }
    return true;
  }

  // Be quiet here at once; the server's own message follows.
  hush() {
    this.busy = false;
    this.player.stop(this.player.turn);
    this.show("listening");
  }

  // The language or the pace is another one.
  introduce() { this.line.send({ type: "start", rate: 16000, ...this.start }); }

  fresh(question) {
    this.question = question;
    this.tell("");
    this.showCaption("", false);
    this.captions.clear();
  }

  failed(name) {
    this.stop();
    this.tellWord(name);
  }

  show(state) {
    this.state = state;
    this.showState(state);
  }

  // --- the line ----------------------------------------------------------------------

  hear(message) {
    const { type, turn_id } = message;
    this.events = [...this.events.slice(1 - EVENTS), { type, turn_id, at: performance.now() }];
    if (type === "audio") this.about = message;
    else if (type === "listening") {
      this.setRecording(message.recording);
      this.busy = false;
      this.introduce();
      this.show("listening");
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
      this.showCaption(message.text, true);
      this._hearing();
    } else if (type === "heard") this._asked(message);
    else if (type === "nothing") {
      this.showCaption("", false);
      if (message.reason === "unsure") this.tellWord("unsure");
      else this.tell("");
      this._idle();
    } else if (type === "speed") this.setSpeed(Number(message.text));
    else if (type === "finished") {
      if (turn_id === this.running) this.busy = false;
      this.player.finish(turn_id);
      if (this.state === "thinking") this._idle();
    } else if (type === "error") {
      this.tell(message.message);
      this.busy = false;
      if (this.state === "thinking") this._idle();
    } else if (type.startsWith("turn.")) this._turn(message);
    else this.other(message);
  }

  setSpeed() {} // (1 is the voice's own pace)

  _turn(message) {
    const { type, turn_id, error } = message;
    if (type === "turn.started") {
      this.player.begin(turn_id);
      this.shown = new Map([[turn_id, this.question]]);
      this.captions.clear();
      this._think();
      this.running = turn_id;
    } else if (type === "turn.text") this.captions.more(message.text);
    else if (type === "turn.answer") {
      const text = this.shown.get(turn_id);
      if (text || message.engine === "person") this.showAnswer({ text: text || "", turn_id, answer: message });
    } else if (type === "turn.error") this.tell(error.message);
    else if (type === "turn.cancelled" && turn_id === this.running) {
      this.busy = false;
      if (this.state === "thinking") this._idle();
    }
  }

  _asked({ text, heard, changes }) {
    this.fresh(text);
    this.showCaption(text, false);
    this.showHeard(text, changes ? heard : undefined);
    this._think();
  }

  _sound(turn, sequence, samples) {
    const { about } = this;
    this.about = null;
    if (!about || about.turn_id !== turn || about.sequence !== sequence) return;
    if (!this.player.add(turn, sequence, samples, about)) return;
    if (sequence === 0 && (turn !== this.running || this.captions.clauses.length)) this.captions.clear();
    this.captions.add(about.text);
    this.showClause(this.player.clips[this.player.clips.length - 1]);
  }

  _line(name) {
    this.player.clear();
    if (name === "refused") {
      this.stop(); // the server said why before
      return;
    }
    this.show("reconnecting");
    fetch("/health").then((reply) => reply.json()).then(({ hears }) => {
      if (!hears && this.state === "reconnecting") this.failed("none");
    }).catch(() => {}); // not reachable at all: the line tries again
  }

  // --- the state ---------------------------------------------------------------------

  _think() {
    this.busy = true;
    this.running = -1;
    this.show("thinking");
  }

  // Someone speaks; a server that ends this silently (after 停) leaves no trace of it.
  _hearing() {
    this.show("hearing");
    clearTimeout(this.pause);
    this.pause = setTimeout(() => { if (this.state === "hearing") this._idle(); }, PAUSE);
  }

  _idle() {
    if (this.on) this.show(this.player.speaking && !this.player.held ? "speaking" : this.busy ? "thinking" : "listening");
  }

  // Nobody is listened to behind their back; what is being said may be said to its end.
  _hidden() {
    if (!this.on) return;
    this.microphone.stop();
    if (this.player.speaking || this.busy) this.show(this.state);
    else this.stop();
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
    if (!this.player.held) this.show("speaking");
  }

  _follow() {
    const { position } = this.player;
    if (position) this.captions.follow(position);
  }
}
