/* What the body wants to do: poses, gestures, blinking, gaze and breathing, as numbers that springs follow. */

/* Channels. tilt degrees; turnX, turnY, gazeX, gazeY -1 to 1 (right, down); forward, bow, brow, worry, smile, squint,
   lids 0 to 1; arm angles in degrees, right and left are hers. */
const REST_ARM = { Upper: 14, Fore: -80, Hand: -11 };
export const CHANNELS = {
  tilt: 0, turnX: 0, turnY: 0, forward: 0, bow: 0, brow: 0, worry: 0, smile: 0.5, squint: 0.1, lids: 0, gazeX: 0, gazeY: 0,
  rightUpper: REST_ARM.Upper, rightFore: REST_ARM.Fore, rightHand: REST_ARM.Hand,
  leftUpper: REST_ARM.Upper, leftFore: REST_ARM.Fore, leftHand: REST_ARM.Hand,
};
export const POSES = {
  idle: { smile: 0.75, squint: 0.2 },
  listening: { tilt: 4.5, forward: 0.7, brow: 0.35, smile: 0.6, turnY: 0.12 },
  thinking: { tilt: -4, turnX: -0.35, turnY: -0.35, gazeX: -0.65, gazeY: -0.75, brow: 0.3, worry: 0.25, smile: 0.15 },
  speaking: { forward: 0.35, brow: 0.12, smile: 0.7 },
  sleeping: { tilt: 3.5, turnY: 0.75, bow: 0.12, lids: 1, smile: 0.35, brow: -0.15 },
};

const OPEN_UP = { rightUpper: 24, rightFore: -206, rightHand: 0 };
const wave = (from, times) => Array.from({ length: times }, (_, i) => [from + i * 0.24, { rightHand: i % 2 ? -15 : 17 }]);
/* Steps: [seconds, channels, hands?]. Each step adds to the ones before; the last one lets go. */
export const GESTURES = {
  greet: [
    [0, { rightUpper: 9, rightFore: -76, turnY: 0.15 }], // anticipation
    [0.16, { ...OPEN_UP, smile: 1, squint: 0.5, brow: 0.45, tilt: -3.5, turnY: -0.1 }, { right: "open" }],
    ...wave(0.75, 6),
    [2.2, { rightHand: REST_ARM.Hand, rightUpper: REST_ARM.Upper, rightFore: REST_ARM.Fore, bow: 0.4, turnY: 0.6, tilt: 0 }],
    [2.75, null],
  ],
  point: [
    [0, { leftUpper: 8, leftFore: -75, turnX: -0.2, gazeX: -0.1 }],
    [0.16, { leftUpper: 8, leftFore: -212, leftHand: -20, turnX: 0.5, gazeX: 0.8, gazeY: 0.05, tilt: 3, brow: 0.3, smile: 0.6 }, { left: "present" }],
    [1.3, { gazeX: 0, turnX: 0.15 }],
    [1.7, { leftHand: -11 }],
    [2.0, { leftHand: -20 }],
    [2.7, null],
  ],
  sorry: [
    [0, { turnY: -0.2, worry: 0.4 }],
    [0.16, { bow: 1, turnY: 0.9, worry: 1, brow: 0.2, smile: 0, gazeY: 0.8, lids: 0.25 }],
    [1.3, { bow: 0, turnY: 0.1, gazeY: 0, lids: 0, tilt: 2.5 }],
    [2.1, null],
  ],
  urgent: [
    [0, { forward: -0.2, rightFore: -74 }],
    [0.12, { forward: 1, rightUpper: 18, rightFore: -196, rightHand: -3, brow: 0.75, worry: 0.7, smile: 0, turnY: 0.1 }, { right: "open" }],
    [0.7, { rightFore: -188, turnY: 0.35 }],
    [0.95, { rightFore: -198, turnY: 0.05 }],
    [1.25, { rightFore: -188, turnY: 0.35 }],
    [1.5, { rightFore: -196, turnY: 0.1 }],
    [2.5, null],
  ],
  nod: [
    [0, { turnY: -0.22 }],
    [0.12, { turnY: 0.95, squint: 0.3, smile: 0.65 }],
    [0.36, { turnY: -0.1 }],
    [0.56, { turnY: 0.7 }],
    [0.8, { turnY: 0 }],
    [1.0, null],
  ],
};

/* Natural frequency (radians a second) and damping: arms settle with a little overshoot, a face does not. */
const SPRINGS = { arm: [10.5, 0.72], head: [10, 0.8], face: [17, 1], gaze: [42, 1] };
const kind = (name) => (/^(right|left)/.test(name) ? "arm" : /^gaze/.test(name) ? "gaze"
  : /^(tilt|turn|forward|bow)/.test(name) ? "head" : "face");
const STEP = 1 / 120;

export class Motion {
  /** `random` gives 0 to 1; injected so that tests can repeat. */
  constructor(random = Math.random) {
    this.random = random;
    this.pose = "idle";
    this.value = { ...CHANNELS };
    this.speed = Object.fromEntries(Object.keys(CHANNELS).map((name) => [name, 0]));
    this.hands = { right: "rest", left: "rest" };
    this.gesturing = null;
    this.look = { x: 0, y: 0 };
    this.saccade = { x: 0, y: 0, next: 1 };
    this.time = 0;
    this.blinks = { next: 1.5, start: -1, again: false, count: 0 };
    this.listenNod = 3;
    this.closed = 0;
  }

  setPose(name) {
    if (!POSES[name]) throw new RangeError(`no pose ${name}; there are ${Object.keys(POSES).join(", ")}`);
    this.pose = name;
  }

  gesture(name) {
    if (!GESTURES[name]) throw new RangeError(`no gesture ${name}; there are ${Object.keys(GESTURES).join(", ")}`);
    this.gesturing = { name, start: this.time, held: {} };
  }

  /** Go on by `seconds`; `calm` leaves blinking, and poses without movement. */
  advance(seconds, speaking, calm) {
    const whole = Math.min(seconds, 0.25);
    this.time += whole;
    this.blink();
    const target = this.target(speaking, calm);
    if (calm) {
      for (const name of Object.keys(target)) [this.value[name], this.speed[name]] = [target[name], 0];
      this.hands = { right: "rest", left: "rest" };
      return;
    }
    for (let left = whole; left > 0; left -= STEP) {
      const dt = Math.min(STEP, left);
      for (const name of Object.keys(target)) {
        const [frequency, damping] = SPRINGS[kind(name)];
        const pull = frequency * frequency * (target[name] - this.value[name]) - 2 * damping * frequency * this.speed[name];
        this.speed[name] += pull * dt;
        this.value[name] += this.speed[name] * dt;
      }
    }
    for (const side of ["right", "left"]) {
      // The hand turns over while the forearm is on its way, not at rest.
      const raised = Math.abs(this.value[`${side}Fore`] - REST_ARM.Fore);
      const wanted = this.wantedHands?.[side] || "rest";
      this.hands[side] = raised > 38 ? (wanted === "rest" ? this.hands[side] : wanted) : "rest";
    }
  }

  target(speaking, calm) {
    const target = { ...CHANNELS, ...POSES[this.pose] };
    if (calm) return target;
    const t = this.time;
    const awake = this.pose !== "sleeping";
    // Sway: two slow waves that never meet in the same way twice.
    const life = awake ? 1 : 0.35;
    target.tilt += life * (0.9 * Math.sin(t * 0.53) + 0.5 * Math.sin(t * 1.27 + 1));
    target.turnX += life * (0.1 * Math.sin(t * 0.41 + 2) + 0.05 * Math.sin(t * 0.97));
    if (awake) {
      this.saccades(t);
      target.gazeX += this.look.x * 0.9 + this.saccade.x;
      target.gazeY += this.look.y * 0.9 + this.saccade.y;
      target.turnX += this.look.x * 0.45;
      target.turnY += this.look.y * 0.35;
    }
    if (speaking) {
      // People move the head with the rhythm of what they say.
      target.turnY += 0.14 * Math.sin(t * 5.1) * Math.sin(t * 1.3);
      target.tilt += 1.3 * Math.sin(t * 1.9 + 0.6);
      target.brow += 0.16 * Math.max(0, Math.sin(t * 1.55)) ** 3;
    } else if (this.pose === "listening" && t > this.listenNod) {
      if (t > this.listenNod + 0.35) this.listenNod = t + 2.5 + 2.5 * this.random();
      target.turnY += 0.4;
    }
    this.wantedHands = { right: "rest", left: "rest" };
    if (this.gesturing) {
      const at = t - this.gesturing.start;
      const held = {};
      for (const [time, channels, hands] of GESTURES[this.gesturing.name]) {
        if (at < time) break;
        if (channels === null) {
          this.gesturing = null;
          return target;
        }
        Object.assign(held, channels);
        Object.assign(this.wantedHands, hands);
      }
      Object.assign(target, held);
    }
    return target;
  }

  saccades(t) {
    if (t < this.saccade.next) return;
    const away = this.random() < 0.55;
    this.saccade = {
      x: away ? (this.random() - 0.5) * 0.36 : 0, y: away ? (this.random() - 0.5) * 0.2 : 0,
      next: t + 0.7 + 2.2 * this.random(),
    };
  }

  blink() {
    const b = this.blinks;
    if (b.start < 0 && this.time >= b.next) {
      b.start = this.time;
      b.count += 1;
    }
    if (b.start < 0) return;
    const at = this.time - b.start;
    // Lids fall in 70 ms and rise in 130 ms.
    this.closed = at < 0.07 ? at / 0.07 : at < 0.1 ? 1 : Math.max(0, 1 - (at - 0.1) / 0.13);
    if (at >= 0.23) {
      const twice = !b.again && this.random() < 0.18;
      this.closed = 0;
      this.blinks = { ...b, start: -1, again: twice, next: this.time + (twice ? 0.12 : 2 + 4 * this.random()) };
    }
  }

  /** 0 to 1: breathing in. */
  get breath() {
    return 0.5 + 0.5 * Math.sin(this.time * (this.pose === "sleeping" ? 1.05 : 1.6));
  }
}
