// For staff: five taps in the corner, or Ctrl+Alt+S, open a pad for the PIN, and that a small menu.

const CORNER = 120; // px from the upper left corner
const TAPS = 5;
const WITHIN = 4000; // ms
const UNUSED = 30_000; // ms after which pad and menu close by themselves
const DIGITS = "1234567890";

export class Staff {
  // `session` and `face` are the page's; `quit()` ends a session, if there is one.
  constructor(screen, session, face, quit) {
    Object.assign(this, { screen, session, face, quit, taps: [], pin: "" });
    if (!screen.config.pin) return;
    this.pad = screen.find(".k-pin");
    this.menu = screen.find(".k-staff");
    this.pad.querySelector(".k-digits").replaceChildren(...[...DIGITS].map((digit) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.digit = button.textContent = digit;
      return button;
    }));
    document.addEventListener("pointerdown", (event) => this._tap(event), { capture: true });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey && event.altKey && event.code === "KeyS") this.open();
    });
    this.pad.addEventListener("click", ({ target }) => {
      const key = target.closest("[data-digit]");
      if (key) this._key(key.dataset.digit);
    });
    this.pad.addEventListener("keydown", (event) => {
      if (/^\d$/.test(event.key)) this._key(event.key);
      else if (event.key === "Backspace") this._key("delete");
      else if (event.key === "Enter" && !event.target.closest("button")) this._key("enter");
    });
    this.menu.addEventListener("click", ({ target }) => {
      const choice = target.closest("[data-staff]");
      if (choice) this._choose(choice.dataset.staff);
    });
    for (const dialog of [this.pad, this.menu]) {
      dialog.addEventListener("close", () => clearTimeout(this.unused));
      for (const type of ["pointerdown", "keydown"]) dialog.addEventListener(type, () => this._used());
    }
  }

  open() {
    this.screen.close();
    this.pin = "";
    this._shown(this.screen.word("pin_hint"));
    this.screen.open(".k-pin");
    this._used();
  }

  _used() {
    clearTimeout(this.unused);
    this.unused = setTimeout(() => { this.pad.close(); this.menu.close(); }, UNUSED);
  }

  _tap({ clientX, clientY }) {
    const now = performance.now();
    const near = clientX < CORNER && clientY < CORNER;
    this.taps = near ? [...this.taps.filter((at) => now - at < WITHIN), now] : [];
    if (this.taps.length < TAPS) return;
    this.taps = [];
    setTimeout(() => this.open()); // after what the tap itself does
  }

  async _key(key) {
    if (key === "enter") return this._enter();
    this.pin = key === "delete" ? this.pin.slice(0, -1) : `${this.pin}${key}`.slice(0, 12);
    this._shown("●".repeat(this.pin.length) || this.screen.word("pin_hint"));
  }

  async _enter() {
    const { pin } = this;
    this.pin = "";
    if (!pin) return;
    let tried = null;
    try {
      const reply = await fetch("/api/kiosk/pin", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pin }),
      });
      tried = reply.ok ? await reply.json() : null;
    } catch { /* told below */ }
    if (!tried) this._shown(this.screen.word("health_away"));
    else if (tried.right) {
      this.pad.close();
      this._draw();
      this.screen.text(".k-health", "");
      this.screen.open(".k-staff");
      this._used();
    } else if (tried.locked) this._shown(this.screen.word("pin_locked", Math.ceil(tried.locked / 60)));
    else this._shown(this.screen.word("pin_wrong", tried.left));
  }

  _choose(choice) {
    const { screen, session } = this;
    if (choice === "reload") location.reload();
    else if (choice === "quit") {
      this.menu.close();
      this.quit();
    } else if (choice === "health") this._health();
    else if (choice === "louder" || choice === "quieter") {
      const steps = [0.25, 0.5, 0.75, 1, 1.25];
      const at = steps.indexOf(session.baseVolume) + (choice === "louder" ? 1 : -1);
      session.setBaseVolume(steps[Math.min(steps.length - 1, Math.max(0, at))]);
    } else {
      screen.first.size = Math.min(3, Math.max(1, screen.first.size + (choice === "bigger" ? 1 : -1)));
      screen.setSize(screen.first.size);
    }
    this._draw();
  }

  async _health() {
    const { screen } = this;
    let told;
    try {
      const found = await (await fetch("/health")).json();
      const part = (good, yes, no) => screen.word(good ? yes : no);
      told = [
        part(found.ready, "health_ready", "health_not"),
        part(found.hears, "health_hears", "health_deaf"),
        part(found.speaks, "health_speaks", "health_mute"),
        screen.word("health_release", found.release || "–"),
        screen.word("health_frames", Math.round(this.face.frames)),
      ].join(" · ");
    } catch {
      told = screen.word("health_away");
    }
    screen.text(".k-health", told);
  }

  _draw() {
    this.screen.find(".k-volume").textContent = `${Math.round(this.session.baseVolume * 100)}%`;
    this.screen.find(".k-size").textContent = this.screen.word(`size_${this.screen.first.size}`);
  }

  _shown(text) { this.screen.find(".k-pin-shown").textContent = text; }
}
