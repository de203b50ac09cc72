// The screen that waits for somebody: it greets, shows questions by turns, and goes away at a tap, a key or a voice.
import { Presence } from "/ui/kiosk/presence.js";

const TURN = 5000; // ms that a question is shown
const GREET = 20_000; // ms between two greetings

export class Attract {
  // `begin(pressed)` is called when somebody comes; pressed is false when it was a voice.
  constructor(screen, face, begin) {
    Object.assign(this, { screen, face, begin, at: 0 });
    this.on = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.presence = new Presence(() => { if (this.on) this.begin(false); });
    screen.changed(() => { if (this.on) this._show(); });
    screen.root.addEventListener("click", (event) => this._pressed(event));
    document.addEventListener("keydown", (event) => this._key(event));
  }

  show() {
    const { screen } = this;
    this.on = true;
    screen.root.dataset.screen = "attract";
    for (const part of screen.all(".k-captions, .k-card, .k-ways, .k-bar, .k-skip")) part.inert = true;
    screen.find(".k-attract").inert = false;
    this.at = 0;
    this._show();
    this.face.pose("idle");
    this.face.gesture("greet");
    this.turns = setInterval(() => this._turn(), TURN);
    this.greets = setInterval(() => this.face.gesture("greet"), GREET);
    if (screen.config.presence && !screen.config.recording) this.presence.watch();
  }

  hide() {
    const { screen } = this;
    this.on = false;
    clearInterval(this.turns);
    clearInterval(this.greets);
    this.presence.stop();
    screen.root.dataset.screen = "session";
    for (const part of screen.all(".k-captions, .k-card, .k-ways, .k-bar, .k-skip")) part.inert = false;
    screen.find(".k-attract").inert = true;
  }

  _show() {
    const { screen } = this;
    const examples = screen.examples.length ? screen.examples : screen.topics.map(([, question]) => question);
    screen.find(".k-question").textContent = examples[this.at % examples.length];
    screen.find(".k-consent").textContent = screen.word(screen.config.recording ? "kept_sound" : "kept_nothing");
  }

  _turn() {
    if (this.calm.matches) return;
    this.at += 1;
    this._show();
  }

  _pressed({ target }) {
    if (this.on && !target.closest(".k-top, dialog")) this.begin(true);
  }

  // Any key, but those that move through the page or belong to the browser or to staff.
  _key(event) {
    if (!this.on || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (/^(Tab|Shift|Control|Alt|Meta|Escape|F\d+)$/.test(event.key)) return;
    if (event.target.closest(".k-top, dialog")) return;
    event.preventDefault();
    this.begin(true);
  }
}
