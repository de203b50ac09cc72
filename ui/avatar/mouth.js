/* Lips: thirteen mouth shapes as numbers, the timeline that blends them, and the curves that draw them. */

/* Units of the drawing. w half width, up/low how far the opening reaches above and below the corners' line, corner
   lift of the corners, upper/lower thickness of the lips, teeth and tongue 0 to 1 of what would be seen. */
const KEYS = ["w", "up", "low", "corner", "upper", "lower", "teeth", "tongue"];
export const SHAPES = {
  rest: [27, 0, 0, 4.5, 6.6, 8.6, 0, 0],
  closed: [25.5, 0, 0, 2.5, 3.8, 5.6, 0, 0],
  teeth: [25, 2.6, 1.8, 2.5, 5, 5, 1, 0],
  tongue: [25, 2.8, 5, 2.5, 5.4, 7.4, 0.7, 0.9],
  back: [24, 3.4, 6.6, 1.5, 5.6, 7.6, 0.55, 0.3],
  smile: [29.5, 2.5, 3.8, 5, 4.8, 6.8, 1, 0],
  round_teeth: [19.5, 3.8, 4.8, 0, 6.4, 8.4, 1, 0],
  narrow: [27, 1.9, 2.6, 3.8, 4.8, 7, 1, 0],
  open: [26, 5, 13.5, 0.5, 5.6, 7.6, 0.55, 0.6],
  mid: [25.5, 3.8, 7.8, 2, 5.5, 7.5, 0.6, 0.5],
  wide: [30, 2.8, 4.8, 5.2, 4.8, 6.8, 0.85, 0.35],
  round: [17.5, 5.6, 8.8, -1, 6.4, 8.2, 0.15, 0.35],
  pursed: [13.5, 2.6, 3.6, -0.5, 7, 8.8, 0, 0],
  TH: [25, 2.2, 3.6, 2.5, 5.2, 7, 0.5, 1],
  nn: [26, 1.8, 2.8, 2.5, 5.2, 7, 0.9, 0.6],
  RR: [21.5, 2.8, 4.6, 0, 6, 8, 0.6, 0.2],
};
/* The names of the 15 Oculus visemes, for players that speak those; SS, E and so on are ours under another name. */
export const OCULUS = {
  sil: "rest", PP: "closed", FF: "teeth", TH: "TH", DD: "tongue", kk: "back", CH: "round_teeth", SS: "narrow", nn: "nn",
  RR: "RR", aa: "open", E: "mid", I: "wide", O: "round", U: "pursed",
};
export const REST = "rest";
export const EASE = 0.07; // seconds a change of shape takes, half before and half after its time

const smooth = (x) => (x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x));

export function mix(from, to, amount) {
  return from.map((value, index) => value + (to[index] - value) * amount);
}

/** Clips of `[[start_ms, shape], ...]`, each at a start in seconds of the sound's clock. */
export class Timeline {
  constructor() {
    this.clips = [];
  }

  add(visemes, start) {
    const steps = visemes
      .map((step) => (Array.isArray(step) ? step : [step.start_ms, step.shape]))
      .map(([at, shape]) => [at, OCULUS[shape] || shape])
      .filter(([at, shape]) => Number.isFinite(at) && SHAPES[shape])
      .sort((a, b) => a[0] - b[0])
      .map(([at, shape]) => ({ at: at / 1000, shape }));
    if (!steps.length || !Number.isFinite(start)) return false;
    const last = steps[steps.length - 1];
    const end = start + last.at + (last.shape === REST ? EASE : 0.25);
    this.clips = this.clips.filter((clip) => clip.end > start - 30 && clip.start !== start);
    this.clips.push({ steps, start, end });
    this.clips.sort((a, b) => a.start - b.start);
    return true;
  }

  clear() {
    this.clips = [];
  }

  /** The clip that sounds at `time`, or null. */
  clip(time) {
    let found = null;
    for (const clip of this.clips) {
      if (time >= clip.start - EASE / 2 && time < clip.end) found = clip;
    }
    return found;
  }

  /** The mouth at `time`: {shape, numbers, speaking}. Depends on nothing but the time, so late frames are right too. */
  at(time) {
    const clip = this.clip(time);
    if (!clip) return { shape: REST, numbers: SHAPES.rest, speaking: false };
    const t = time - clip.start;
    const steps = clip.steps;
    let index = -1;
    while (index + 1 < steps.length && steps[index + 1].at <= t) index += 1;
    const shapeAt = (i) => (i < 0 || i >= steps.length ? REST : steps[i].shape);
    const half = (i) => {
      // Half of the ease around the beginning of step i, shorter between short steps.
      const before = i > 0 ? steps[i].at - steps[i - 1].at : 1;
      const after = i + 1 < steps.length ? steps[i + 1].at - steps[i].at : 1;
      return Math.max(0.008, Math.min(EASE / 2, before / 2, after / 2));
    };
    let numbers = SHAPES[shapeAt(index)];
    if (index >= 0 && t - steps[index].at < half(index)) {
      const h = half(index);
      numbers = mix(SHAPES[shapeAt(index - 1)], numbers, smooth((t - steps[index].at + h) / (2 * h)));
    } else if (index + 1 < steps.length && steps[index + 1].at - t < half(index + 1)) {
      const h = half(index + 1);
      numbers = mix(numbers, SHAPES[shapeAt(index + 1)], smooth((t - steps[index + 1].at + h) / (2 * h)));
    }
    return { shape: shapeAt(index), numbers, speaking: true };
  }
}

const f = (value) => Math.round(value * 10) / 10;

/** Path data of every part of the mouth for one set of numbers; `smile` lifts the corners further. */
export function curves(numbers, smile = 0) {
  const n = Object.fromEntries(KEYS.map((key, index) => [key, numbers[index]]));
  const w = n.w + smile * 3;
  const c = -n.corner - smile * 5; // y of the corners, up is negative
  const inner = (y) => (y - 0.25 * c) / 0.75; // control height for a curve whose middle is at y
  const up = inner(-n.up);
  const low = inner(n.low + smile * 1.2);
  const top = -n.up - n.upper;
  const dip = top + n.upper * 0.26;
  const bottom = inner(n.low + smile * 1.2 + n.lower);
  const bow = `${f(-w)} ${f(c)}C${f(-w * 0.72)} ${f(c * 0.5 + top * 0.5)} ${f(-w * 0.42)} ${f(top)} ${f(-w * 0.2)} ${f(top)}` +
    `C${f(-w * 0.11)} ${f(top)} ${f(-w * 0.07)} ${f(dip)} 0 ${f(dip)}C${f(w * 0.07)} ${f(dip)} ${f(w * 0.11)} ${f(top)} ${f(w * 0.2)} ${f(top)}` +
    `C${f(w * 0.42)} ${f(top)} ${f(w * 0.72)} ${f(c * 0.5 + top * 0.5)} ${f(w)} ${f(c)}`;
  const k = 0.56;
  const upperEdge = (y, dx = w) => `C${f(dx * k)} ${f(y)} ${f(-dx * k)} ${f(y)} ${f(-dx)} ${f(c)}`;
  const lowerEdge = `C${f(-w * k)} ${f(low)} ${f(w * k)} ${f(low)} ${f(w)} ${f(c)}`;
  const open = n.up + n.low > 0.8;
  // Teeth hang from the upper edge, the tongue lies on the lower one; both are sampled so that neither leaves the opening.
  const edge = (ctrl, t) => c + (ctrl - c) * 3 * t * (1 - t);
  const across = (t) => {
    const u = 1 - t;
    return -w * u * u * u - 3 * w * k * u * u * t + 3 * w * k * u * t * t + w * t * t * t;
  };
  const sampled = (bound) => {
    const first = [];
    const second = [];
    for (let i = 1; i < 12; i += 1) {
      const t = i / 12;
      const x = f(across(t));
      const [a, b] = bound(edge(up, t), edge(low, t));
      first.push(`${x} ${f(a)}`);
      second.unshift(`${x} ${f(b)}`);
    }
    return `M${first.join("L")}L${second.join("L")}Z`;
  };
  const teethDepth = n.teeth * 6.5 + n.up * n.teeth * 0.35;
  return {
    "mouth-dark": open ? `M${f(-w)} ${f(c)}${lowerEdge}${upperEdge(up)}Z` : "",
    "mouth-tongue": open && n.tongue > 0.05
      ? sampled((a, b) => [Math.max(a, b - n.tongue * (2 + n.low * 0.42) * (b - a) / (n.up + n.low + 1)), b]) : "",
    "mouth-teeth": open && n.teeth > 0.05 ? sampled((a, b) => [a, Math.min(b, a + teethDepth * Math.min(1, (b - a) / 5))]) : "",
    "lip-upper-shape": `M${bow}${upperEdge(up)}Z`,
    "lip-lower-shape": `M${f(-w)} ${f(c)}${lowerEdge}C${f(w * 0.6)} ${f(bottom)} ${f(-w * 0.6)} ${f(bottom)} ${f(-w)} ${f(c)}Z`,
    "mouth-line": open ? "" : `M${f(-w - 1.5)} ${f(c - 0.8)}${lowerEdge}L${f(w + 1.5)} ${f(c - 0.8)}`,
    "mouth-shine": `M${f(-w * 0.3)} ${f(n.low + n.lower * 0.5)}Q0 ${f(n.low + n.lower * 0.34)} ${f(w * 0.3)} ${f(n.low + n.lower * 0.5)}` +
      `Q0 ${f(n.low + n.lower * 0.72)} ${f(-w * 0.3)} ${f(n.low + n.lower * 0.5)}Z`,
  };
}
