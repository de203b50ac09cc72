/* The simplest face that fills the slot: a flat portrait with two eyes and a mouth. Also what is shown when all else fails. */

import { OCULUS } from "./mouth.js";

const NAMES = { poses: ["idle", "listening", "thinking", "speaking", "sleeping"], gestures: ["greet", "point", "sorry", "urgent", "nod"] };
const OPENNESS = { // of each mouth shape, 0 to 1
  rest: 0, closed: 0, teeth: 0.2, tongue: 0.4, back: 0.45, smile: 0.3, round_teeth: 0.4, narrow: 0.2, open: 1, mid: 0.6,
  wide: 0.35, round: 0.7, pursed: 0.3, TH: 0.3, nn: 0.25, RR: 0.35,
};
const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" preserveAspectRatio="xMidYMax meet" role="img" aria-label="小沪">
  <path d="M40 92C40 44 66 18 100 18C134 18 160 44 160 92V142C160 160 150 166 134 166H66C50 166 40 160 40 142Z" fill="#33231f"/>
  <path d="M14 200C18 176 46 166 76 158H124C154 166 182 176 186 200Z" fill="#2c7d76"/>
  <path d="M84 136H116V160L100 182L84 160Z" fill="#efbf9f"/>
  <path d="M84 154L66 164L82 184L100 180L118 184L134 164L116 154L100 180Z" fill="#fffdf9"/>
  <path d="M51 88C51 126 76 153 100 153C124 153 149 126 149 88C149 62 130 44 100 44C70 44 51 62 51 88Z" fill="#fedcc5"/>
  <path d="M122 42C112 66 80 80 48 86C46 58 68 28 104 28C140 28 156 58 153 88C138 78 126 62 122 42Z" fill="#3d2b28"/>
  <g fill="#f59a86" opacity=".35"><ellipse cx="73" cy="120" rx="11" ry="7"/><ellipse cx="127" cy="120" rx="11" ry="7"/></g>
  <g class="eyes" fill="#33201c"><ellipse cx="77" cy="102" rx="5.5" ry="7"/><ellipse cx="123" cy="102" rx="5.5" ry="7"/></g>
  <path class="smile" d="M86 130Q100 140 114 130" fill="none" stroke="#a5504a" stroke-width="3.5" stroke-linecap="round"/>
  <ellipse class="mouth" cx="100" cy="133" rx="13" ry="3" fill="#8f3f3a"/></svg>`;

export function plain(container, options = {}) {
  const now = options.now || (() => performance.now() / 1000);
  const svg = new DOMParser().parseFromString(DRAWING, "image/svg+xml").documentElement;
  Object.assign(svg.style, { width: "100%", height: "100%" });
  if (options.label) svg.setAttribute("aria-label", options.label);
  container.replaceChildren(svg);
  const mouth = svg.querySelector(".mouth");
  const smile = svg.querySelector(".smile");
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
    const openness = OPENNESS[shape] || 0;
    smile.style.display = openness ? "none" : "";
    mouth.style.display = openness ? "" : "none";
    mouth.setAttribute("ry", 2 + 8 * openness);
    mouth.setAttribute("rx", /round|pursed/.test(shape) ? 8 : 13);
    const blinking = performance.now() % 4200 < 140;
    if (blinking && eyes.getAttribute("transform") === null) blinks += 1;
    if (blinking || pose === "sleeping") eyes.setAttribute("transform", "translate(0 92) scale(1 .1)");
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
