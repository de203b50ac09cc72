/* Watches the frames: when they stay slow, asks for a simpler drawing; when they stay fast, for the next better one. */

export const LEVELS = ["full", "fewer", "mouth", "still"];
const SLOW = 28; // frames a second
const SLOW_FOR = 3; // seconds
const FAST = 45;
const FAST_FOR = 30;

export class FrameMonitor {
  constructor(onLevel, level = 0) {
    this.onLevel = onLevel;
    this.level = level;
    this.stamps = [];
    this.slow = 0;
    this.fast = 0;
    this.tried = new Set(); // levels that were left for a better one once; never twice
  }

  get fps() {
    const n = this.stamps.length;
    return n < 2 ? 0 : ((n - 1) * 1000) / (this.stamps[n - 1] - this.stamps[0]);
  }

  /** The page was hidden, or the drawing changed: what was measured says nothing now. */
  reset() {
    this.stamps = [];
    this.slow = 0;
    this.fast = 0;
  }

  /** One frame at `stamp` milliseconds. */
  frame(stamp) {
    const last = this.stamps[this.stamps.length - 1];
    this.stamps.push(stamp);
    while (this.stamps[0] < stamp - 1000 && this.stamps.length > 2) this.stamps.shift();
    if (last === undefined || stamp - this.stamps[0] < 500) return;
    const passed = Math.min(0.5, (stamp - last) / 1000); // one long pause is no slow machine
    this.slow = this.fps < SLOW ? this.slow + passed : 0;
    this.fast = this.fps > FAST ? this.fast + passed : 0;
    if (this.slow >= SLOW_FOR && this.level < LEVELS.length - 1) this.change(this.level + 1);
    else if (this.fast >= FAST_FOR && this.level > 0 && !this.tried.has(this.level)) {
      this.tried.add(this.level);
      this.change(this.level - 1);
    }
  }

  change(level) {
    this.level = level;
    this.reset();
    this.onLevel(level);
  }
}
