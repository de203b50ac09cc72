// 小沪's face: the animated drawing where it is there, else the portrait, which stays still.

const POSES = { hearing: "listening", listening: "listening", thinking: "thinking", speaking: "speaking" };

export class Face {
  // `clock()` is the player's: seconds of what is heard.
  constructor(container, clock) {
    this.container = container;
    this.drawn = null;
    this.ready = import("/ui/avatar/avatar.js").then(({ createAvatar }) => {
      this.drawn = createAvatar(container, { now: clock, view: "half", maxFps: 30 });
      return this.drawn.ready;
    }).catch(() => { /* the portrait in the page stays */ });
  }

  state(name) {
    if (name !== "speaking") this.quiet();
    this.pose(POSES[name] || "idle");
  }

  pose(name) { if (this.drawn) this.drawn.setPose(name); }

  gesture(name) { if (this.drawn) this.drawn.gesture(name); }

  speak(visemes, begins) { if (this.drawn && visemes.length) this.drawn.speak(visemes, begins); }

  quiet() { if (this.drawn) this.drawn.stopSpeaking(); }

  // Look at a part of the page, or at the person again.
  lookAt(node) {
    if (!this.drawn) return;
    if (!node) return this.drawn.lookAt();
    const { left, top, width, height } = node.getBoundingClientRect();
    this.drawn.lookAt(left + width / 2, top + height / 2);
  }

  get frames() { return this.drawn ? this.drawn.stats().fps : 0; }
}
