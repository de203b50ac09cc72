/* Buttons for everything a face can do. ?bare hides them; ?name=, ?view=, ?fps= and ?level= are options of createAvatar. */

import { createAvatar } from "./avatar.js";

const query = new URLSearchParams(location.search);
const stage = document.getElementById("stage");
const controls = document.getElementById("controls");
if (query.has("bare")) document.body.classList.add("bare");
const hooks = window.avatarHooks || {}; // tests put clocks here before the page starts
const avatar = createAvatar(stage, {
  name: query.get("name") || undefined, view: query.get("view") || "half", maxFps: Number(query.get("fps")) || undefined,
  level: Number(query.get("level")) || 0, ...hooks,
});
window.demo = avatar;

const SENTENCE = "rest wide open tongue round_teeth mid back open smile wide closed round narrow pursed teeth open tongue wide rest";
function say() {
  const shapes = SENTENCE.split(" ");
  avatar.setPose("speaking");
  avatar.speak(Array.from({ length: 60 }, (_, i) => [i * 110, i === 59 ? "rest" : shapes[i % shapes.length]]));
}
const button = (text, act) => {
  const element = document.createElement("button");
  element.textContent = text;
  element.addEventListener("click", act);
  controls.append(element);
};
for (const pose of ["idle", "listening", "thinking", "speaking", "sleeping"]) button(pose, () => avatar.setPose(pose));
for (const gesture of ["greet", "point", "sorry", "urgent", "nod"]) button(gesture, () => avatar.gesture(gesture));
button("speak", say);
button("stop", () => avatar.stopSpeaking());
window.demoSay = say;
document.addEventListener("pointermove", (event) => avatar.lookAt(event.clientX, event.clientY));
if (!query.has("bare")) {
  const output = document.createElement("output");
  controls.append(output);
  setInterval(() => {
    const { fps, level } = avatar.stats();
    output.textContent = `${fps} fps, level ${level}`;
  }, 1000);
}
