// Looks whether the server and this page are well: a banner while the line is cut, a fresh page after a new start.

const POLL = 5000; // ms between two looks
const AWAY_POLL = 1500; // ms while the server is away
const PATIENCE = 4000; // ms for an answer
const AGAIN = 1000; // ms after an answer that did not come, before it is missed
const FROZEN = 60_000; // ms without a turn of the page's own loop
const FAULTS = 3; // errors of scripts within a minute

export class Watchdog {
  // `idle()` tells whether nobody is here; `came(anew)` is called when the server is back.
  constructor(screen, idle, came) {
    Object.assign(this, { screen, idle, came, away: false, stale: false, faults: [] });
    this.last = performance.now();
    for (const type of ["error", "unhandledrejection"]) window.addEventListener(type, (event) => this._fault(event));
    window.addEventListener("offline", () => this._gone());
    window.addEventListener("online", () => this.look());
    screen.changed(() => { if (this.away) this._gone(); });
    this._next(POLL);
  }

  // Nobody is here any more: the moment for a page that is old or broken.
  left() { if (this.stale) location.reload(); }

  async look() {
    clearTimeout(this.timer);
    const now = performance.now();
    if (now - this.last > FROZEN) this.stale = true;
    this.last = now;
    const instance = await this._instance();
    if (instance === null) {
      // One answer that is late is no cut line: a busy machine may take its time.
      if (!this.away && !this.missed) {
        this.missed = true;
        return this._next(AGAIN);
      }
      this._gone();
    } else {
      this.missed = false;
      const { config } = this.screen;
      const anew = Boolean(instance) && instance !== config.instance;
      if (anew) this.stale = true;
      if (this.away) {
        this.away = false;
        this.screen.text(".k-banner", "");
        this.came(anew);
      }
      if (this.stale && this.idle()) return location.reload();
    }
    this._next(this.away ? AWAY_POLL : POLL);
  }

  // Which start of the server answers; "" when it doesn't say, null when it is away.
  async _instance() {
    try {
      const reply = await fetch("/health", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
      return (await reply.json()).instance || "";
    } catch {
      return null;
    }
  }

  _gone() {
    this.away = true;
    this.screen.text(".k-banner", this.screen.word("offline"));
  }

  _fault({ message }) {
    if (/ResizeObserver/.test(message)) return; // a layout that took two rounds, no fault
    const now = performance.now();
    this.faults = [...this.faults.filter((at) => now - at < 60_000), now];
    if (this.faults.length >= FAULTS) this.stale = true;
  }

  _next(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }
}
