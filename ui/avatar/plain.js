/* The simplest face that fills the slot: a circle with two eyes and a mouth. Also what is shown when all else fails. */

import { OCULUS } from "./mouth.js";

const NAMES = { poses: ["idle", "listening", "thinking", "speaking", "sleeping"], gestures: ["greet", "point", "sorry", "urgent", "nod"] };
const OPENNESS = { // of each mouth shape, 0 to 1
  rest: 0, closed: 0, teeth: 0.2, tongue: 0.4, back: 0.45, smile: 0.3, round_teeth: 0.4, narrow: 0.2, open: 1, mid: 0.6,
  wide: 0.35, round: 0.7, pursed: 0.3, TH: 0.3, nn: 0.25, RR: 0.35,
};
const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img" aria-label="小沪">
  <circle cx="100" cy="100" r="92" fill="#ffdcbf" stroke="#17665c" stroke-width="8"/>
  <g class="eyes" fill="#2c2320"><ellipse cx="70" cy="88" rx="9" ry="12"/><ellipse cx="130" cy="88" rx="9" ry="12"/></g>
  <ellipse class="mouth" cx="100" cy="136" rx="24" ry="3" fill="#8f3f3a"/></svg>`;

export function plain(container, options = {}) {
  const now = options.now || (() => performance.now() / 1000);
  const svg = new DOMParser().parseFromString(DRAWING, "image/svg+xml").documentElement;
  Object.assign(svg.style, { width: "100%", height: "100%" });
  if (options.label) svg.setAttribute("aria-label", options.label);
  container.replaceChildren(svg);
  const mouth = svg.querySelector(".mouth");
  const eyes = svg.querySelector(".eyes");
  let clips = [];
  let timer = 0;
  let pose = "idle";
  let shape = "rest";
  let blinks = 0;

  function draw() {
    const time = now();
    shape = "rest";
    clips = clips.filter((clip) => time < clip.start + clip.visemes[clip.visemes.length - 1][0] / 1000 + 0.25);
    for (const clip of clips) {
      for (const [at, name] of clip.visemes) if (time >= clip.start + at / 1000) shape = name;
    }
    mouth.setAttribute("ry", 3 + 17 * (OPENNESS[shape] || 0));
    mouth.setAttribute("rx", /round|pursed/.test(shape) ? 14 : 24);
    const blinking = performance.now() % 4200 < 140;
    if (blinking && eyes.getAttribute("transform") === null) blinks += 1;
    if (blinking || pose === "sleeping") eyes.setAttribute("transform", "translate(0 79) scale(1 .1)");
    else eyes.removeAttribute("transform");
  }
  timer = setInterval(draw, 40);
  draw();
  const check = (list, name) => {
    if (!list.includes(name)) throw new RangeError(`no ${name}; there are ${list.join(", ")}`);
  };
  return {
    ready: Promise.resolve(),
    setPose(name) {
      check(NAMES.poses, name);
      pose = name;
    },
    speak(visemes, start = now()) {
      const steps = visemes.map((step) => (Array.isArray(step) ? step : [step.start_ms, step.shape]))
        .map(([at, name]) => [at, OCULUS[name] || name]).filter(([at, name]) => Number.isFinite(at) && name in OPENNESS);
      if (!steps.length || !Number.isFinite(start)) return false;
      clips.push({ visemes: steps, start });
      return true;
    },
    stopSpeaking() {
      clips = [];
      draw();
    },
    gesture: (name) => check(NAMES.gestures, name), // it has no hands: nothing to do
    lookAt(x) {
      if (x === undefined) {
        svg.querySelector(".eyes").style.translate = "";
        return;
      }
      const box = container.getBoundingClientRect();
      svg.querySelector(".eyes").style.translate = `${x < box.left + box.width / 2 ? -4 : 4}px 0`;
    },
    setReducedMotion() {}, // nothing moves but mouth and lids
    stats: () => ({ name: "plain", fps: 25, level: 3, levelName: "plain", pose, mouth: shape, speaking: clips.length > 0, blinks }),
    destroy() {
      clearInterval(timer);
      container.replaceChildren();
    },
  };
}
