/* 小沪: one loop that asks the timeline and the motion for numbers and hands them to the rig. */

import { FrameMonitor, LEVELS } from "./monitor.js";
import { Motion } from "./motion.js";
import { mix, SHAPES, Timeline } from "./mouth.js";
import { Rig } from "./rig.js";
import { plain } from "./plain.js";

const DRAWING = new URL("./xiaohu.svg", import.meta.url);
const LET_GO = 0.08; // seconds from being cut off to a closed mouth

/** See docs/avatar.md for the options. */
export function xiaohu(container, options = {}) {
  const now = options.now || (() => performance.now() / 1000);
  const raf = options.raf || ((step) => requestAnimationFrame(step));
  const caf = options.caf || ((id) => cancelAnimationFrame(id));
  const shortest = 1000 / (options.maxFps || 60) - 4; // milliseconds; a little early is better than a frame late
  const timeline = new Timeline();
  const motion = new Motion(options.random);
  const query = matchMedia("(prefers-reduced-motion: reduce)");
  let calm = query.matches;
  let chosenCalm = false;
  let rig = null;
  let ring = null;
  let instead = null; // the plain face, when the drawing could not be loaded
  let frame = 0;
  let timer = 0;
  let last = null;
  let drawn = 0;
  let gone = false;
  let mouth = { shape: "rest", numbers: SHAPES.rest, speaking: false };
  let cut = null; // {numbers, at}: where the mouth was when it was told to stop
  const born = performance.now();
  let started = null;
  const monitor = new FrameMonitor(level, options.level || 0);

  function level(value) {
    if (!rig) return;
    rig.simple(value >= 1);
    container.dataset.level = LEVELS[value];
    if (value >= 2) {
      rig.lids(0, 0.1); // never stay with closed eyes
      rig.body(new Motion().value, 0, { right: "rest", left: "rest" });
    }
    if (value === 3) {
      rig.mouth(SHAPES.rest, 0.5);
      caf(frame);
      poll();
    }
    options.onLevel?.(value);
  }

  function lips(time) {
    mouth = timeline.at(time);
    if (!cut) return;
    const amount = (time - cut.at) / LET_GO;
    if (amount >= 1 || amount < 0 || mouth.speaking) cut = null;
    else mouth = { ...mouth, numbers: mix(cut.numbers, mouth.numbers, amount) };
  }

  function draw(seconds) {
    lips(now());
    if (monitor.level >= 2) {
      rig.mouth(mouth.numbers, 0.4);
      return;
    }
    motion.advance(seconds, mouth.speaking, calm);
    const v = motion.value;
    rig.mouth(mouth.numbers, mouth.speaking ? v.smile * 0.5 : v.smile);
    rig.lids(Math.min(1, Math.max(motion.closed, v.lids, 0)), v.squint + 0.3 * v.smile);
    rig.body(v, calm ? 0.5 : motion.breath, motion.hands);
  }

  function step(stamp) {
    if (gone) return;
    frame = raf(step);
    monitor.frame(stamp);
    if (monitor.level === 3) {
      caf(frame);
      return;
    }
    if (last !== null && stamp - last < shortest) return;
    draw(last === null ? 0 : (stamp - last) / 1000);
    last = stamp;
    drawn += 1;
  }

  /* The still portrait needs no frames: only a ring that shows whether she speaks. */
  function poll() {
    if (gone) return;
    mouth = timeline.at(now());
    ring.style.opacity = mouth.speaking ? "1" : "0";
    timer = setTimeout(poll, 100);
  }

  function visibility() {
    monitor.reset();
    last = null;
  }
  function preference() {
    if (!chosenCalm) calm = query.matches;
  }
  document.addEventListener("visibilitychange", visibility);
  query.addEventListener("change", preference);

  const ready = fetch(DRAWING)
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(`xiaohu.svg: ${answer.status}`))))
    .then((text) => {
      if (gone) return;
      rig = new Rig(text, options.view);
      if (options.label) rig.svg.setAttribute("aria-label", options.label);
      ring = document.createElement("div");
      ring.className = "avatar-ring";
      Object.assign(ring.style, {
        position: "absolute", inset: "4px", border: "8px solid #2f8a79", borderRadius: "32px", opacity: "0", pointerEvents: "none",
      });
      if (getComputedStyle(container).position === "static") container.style.position = "relative";
      draw(0);
      container.replaceChildren(rig.svg, ring);
      container.dataset.level = LEVELS[monitor.level];
      if (monitor.level) level(monitor.level);
      started = performance.now() - born;
      if (monitor.level < 3) frame = raf(step);
    })
    .catch((error) => {
      console.error("avatar", error);
      if (!gone) instead = plain(container, options);
    });

  return {
    ready,
    setPose(name) {
      motion.setPose(name);
      instead?.setPose(name);
    },
    speak(visemes, startTime = now()) {
      cut = null;
      return instead ? instead.speak(visemes, startTime) : timeline.add(visemes, startTime);
    },
    stopSpeaking() {
      lips(now());
      cut = { numbers: mouth.numbers, at: now() };
      timeline.clear();
      instead?.stopSpeaking();
    },
    gesture(name) {
      motion.gesture(name);
      if (calm) motion.gesturing = null;
      instead?.gesture(name);
    },
    lookAt(x, y) {
      if (x === undefined || y === undefined) {
        motion.look = { x: 0, y: 0 };
        return;
      }
      const box = container.getBoundingClientRect();
      const limit = (value) => Math.max(-1, Math.min(1, value));
      motion.look = {
        x: limit((x - box.left - box.width / 2) / (box.width / 2 || 1)),
        y: limit((y - box.top - box.height * 0.35) / (box.height / 2 || 1)),
      };
    },
    setReducedMotion(on) {
      chosenCalm = on !== null && on !== undefined;
      calm = chosenCalm ? Boolean(on) : query.matches;
      if (calm) motion.gesturing = null;
      instead?.setReducedMotion(on);
    },
    stats() {
      return instead ? instead.stats() : {
        name: "xiaohu", fps: Math.round(monitor.fps * 10) / 10, level: monitor.level, levelName: LEVELS[monitor.level], drawn,
        startMs: started, pose: motion.pose, gesture: motion.gesturing?.name || null, mouth: mouth.shape, speaking: mouth.speaking,
        blinks: motion.blinks.count, reducedMotion: calm,
      };
    },
    destroy() {
      gone = true;
      caf(frame);
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", visibility);
      query.removeEventListener("change", preference);
      instead?.destroy();
      container.replaceChildren();
      delete container.dataset.level;
    },
  };
}
