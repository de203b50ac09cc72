/* Puts numbers onto the layers of xiaohu.svg: a few attributes a frame, written only when they changed. */

import { curves } from "./mouth.js";

const f = (value) => Math.round(value * 100) / 100;
const g = (value) => Math.round(value * 10000) / 10000; // for scales
let copies = 0;

/** Make the drawing's ids unique on the page, so that two faces may stand on it. */
function parse(text) {
  copies += 1;
  const prefix = `xiaohu${copies}-`;
  const unique = text.replace(/\bid="/g, `id="${prefix}`).replace(/url\(#/g, `url(#${prefix}`);
  const svg = new DOMParser().parseFromString(unique, "image/svg+xml").documentElement;
  if (svg.nodeName !== "svg") throw new Error("xiaohu.svg is not a drawing");
  const parts = {};
  for (const element of svg.querySelectorAll("[id]")) parts[element.id.slice(prefix.length)] = element;
  return { svg: document.importNode(svg, true), prefix, names: Object.keys(parts) };
}

export class Rig {
  /** `text` is xiaohu.svg; `view` is "half" (to the hips) or "bust" (head and shoulders). */
  constructor(text, view = "half") {
    const { svg, prefix, names } = parse(text);
    this.svg = svg;
    this.part = Object.fromEntries(names.map((name) => [name, svg.querySelector(`#${prefix}${name}`)]));
    this.written = new Map();
    this.hands = { right: "rest", left: "rest" };
    this.details = [...svg.querySelectorAll(".detail")];
    if (view === "bust") svg.setAttribute("viewBox", "180 74 540 540");
    Object.assign(svg.style, { width: "100%", height: "100%", display: "block" });
    svg.setAttribute("preserveAspectRatio", view === "bust" ? "xMidYMid slice" : "xMidYMax meet");
  }

  set(name, attribute, value) {
    const key = `${name} ${attribute}`;
    if (this.written.get(key) === value) return;
    this.written.set(key, value);
    this.part[name].setAttribute(attribute, value);
  }

  simple(on) {
    for (const element of this.details) element.style.display = on ? "none" : "";
  }

  mouth(numbers, smile) {
    this.jaw((numbers[2] + 0.4 * numbers[1]) * 0.55);
    for (const [name, d] of Object.entries(curves(numbers, smile))) this.set(name, "d", d);
  }

  /** The chin goes down by `drop` units when the mouth opens. */
  jaw(drop) {
    const y = (base, share) => f(base + drop * share);
    this.set("face-shape", "d", `M346 256C344 302 348 338 360 ${y(366, 0.2)}C375 ${y(400, 0.6)} 414 ${y(437, 1)} 450 ${y(437, 1)}` +
      `C486 ${y(437, 1)} 525 ${y(400, 0.6)} 540 ${y(366, 0.2)}C552 338 556 302 554 256C554 196 510 160 450 160C390 160 346 196 346 256Z`);
  }

  /** `closed` 0 to 1, `squint` lifts the lower lids. */
  lids(closed, squint) {
    const t = f(closed);
    const q = f(Math.min(1, squint) * 3.2);
    const mixed = (open, shut) => f(open + (shut - open) * t);
    const [x1, y1, x2, y2] = [mixed(8, 11), mixed(-19, 14.5), mixed(-17, -14), mixed(-17, 13)];
    const corner = mixed(0, 2.5);
    const lid = t < 0.02 ? "" : `M26.5 6C10-22-19-21-28.5 0L-27 ${corner}C${x2} ${y2} ${x1} ${y1} 25 6Z`;
    const thick = mixed(0, 1.6);
    const lash = `M25.5 6.5C${x1} ${y1} ${x2} ${y2} -27 ${corner}L-32.5 ${f(-4.5 + t * 6)}C-31 ${f(-4.5 + t * 8)} -29.5 ${f(-5 + t * 9)} -28 ${f(-4.5 + t * 7.5)}` +
      `C${f(x2 - 2.5)} ${f(y2 - 6 + thick)} ${f(x1 + 1)} ${f(y1 - 3.4 + thick)} 25.5 6.5Z`;
    const under = `M-25 ${f(4 - q * 0.3)}C-13 ${f(15.5 - q)} 10 ${f(16 - q)} 23 ${f(8 - q * 0.2)}`;
    const lower = q < 0.1 ? "" : `M-26 2C-14 19 10 19 25 7C23 8 24 8 23 ${f(8 - q * 0.2)}C10 ${f(16 - q)} -13 ${f(15.5 - q)} -25 ${f(4 - q * 0.3)}Z`;
    for (const side of ["right", "left"]) {
      this.set(`lid-${side}`, "d", lid);
      this.set(`lash-${side}`, "d", lash);
      this.set(`under-${side}`, "d", under);
      this.set(`lower-lid-${side}`, "d", lower);
      this.set(`iris-${side}`, "visibility", t > 0.97 ? "hidden" : "visible");
    }
  }

  /** Everything but mouth and lids. `v` holds the channels of motion.js, `breath` is 0 to 1. */
  body(v, breath, hands) {
    const bow = Math.round(200 * v.bow) / 200;
    // Body and arms are large: steps too small to see leave them as they are in most frames, and nothing is repainted.
    const rise = Math.round(13 * breath) / 5;
    const near = Math.round(50 * v.forward) / 50;
    this.set("figure", "transform", `translate(450 985) scale(${g(1 + 0.022 * near)}) translate(-450 -985)`);
    this.set("body", "transform", `translate(0 1200) scale(1 ${g(1 - 0.035 * bow + 0.00123 * rise)}) translate(0 -1200)`);
    const shoulder = `translate(0 ${f(24 * bow - rise * 0.85)})`;
    this.set("shoulder-right", "transform", shoulder);
    this.set("shoulder-left", "transform", `translate(900 ${f(24 * bow - rise * 0.85)}) scale(-1 1)`);
    const head = `translate(${f(v.turnX * 3)} ${f(26 * bow + 3 * v.turnY - rise)}) rotate(${f(v.tilt)} 450 470)`;
    const down = 1 - 0.05 * Math.max(0, bow) - 0.012 * Math.max(0, v.turnY);
    const shorter = `translate(0 ${f(440 * (1 - down))}) scale(1 ${g(down)})`; // a bowed head is seen from above
    this.set("head", "transform", `${head} ${shorter}`);
    this.set("hair-back", "transform", `${head} ${shorter} translate(${f(-5 * v.turnX)} ${f(2 * v.turnY + 3 * bow)})`);
    this.set("features", "transform", `translate(${f(9 * v.turnX)} ${f(9 * v.turnY + 10 * bow)})`);
    this.set("nose", "transform", `translate(${f(4 * v.turnX)} ${f(2.5 * v.turnY)})`);
    this.set("ears", "transform", `translate(${f(-4 * v.turnX)} ${f(-4 * v.turnY - 6 * bow)})`);
    this.set("hair-front", "transform", `translate(${f(2.5 * v.turnX)} ${f(3 * v.turnY + 4 * bow)})`);
    for (const side of ["right", "left"]) {
      const out = side === "right" ? 1 : -1;
      const x = side === "right" ? 400 : 500;
      this.set(`brow-${side}`, "transform", `translate(0 ${f(-7 * v.brow - 1.5 * v.worry)}) rotate(${f(-9 * v.worry * out)} ${x} 255)`);
      this.set(`iris-${side}`, "transform", `translate(${f(-1 * out * -0.5 + 7 * v.gazeX)} ${f(0.5 + 4.6 * v.gazeY)})`);
      this.set(`arm-${side}`, "transform", `translate(303 600) rotate(${f(v[`${side}Upper`])})`);
      this.set(`forearm-${side}`, "transform", `translate(0 235) rotate(${f(v[`${side}Fore`])})`);
      this.set(`hand-${side}`, "transform", `translate(0 170) rotate(${f(v[`${side}Hand`])})`);
      if (hands[side] !== this.hands[side]) {
        this.set(`hand-${side}-${this.hands[side]}`, "visibility", "hidden");
        this.set(`hand-${side}-${hands[side]}`, "visibility", "visible");
        this.hands[side] = hands[side];
      }
    }
  }
}
