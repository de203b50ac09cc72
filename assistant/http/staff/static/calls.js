// The console for calls: shows who waits and what is said, and sends what staff do.
import { send } from "/staff/static/staff.js";

const find = (id) => document.getElementById(id);
const LANGUAGES = { zh: "中文", en: "英语" };
let calls = [];
let known = new Set(); // calls that have rung here
let sending = false; // an answer is on its way
let bell = null; // AudioContext, once somebody wants to hear it

function line(text, className, speaker) {
  const node = document.createElement("p");
  node.className = className;
  const who = document.createElement("b");
  who.textContent = speaker;
  node.append(who, text);
  return node;
}

async function act(path, body) {
  find("trouble").hidden = true;
  try {
    return await send(path, body ?? {});
  } catch (error) {
    find("trouble").textContent = error.message;
    find("trouble").hidden = false;
    throw error;
  }
}

// A call keeps its line, so that a button under somebody's finger or focus stays where it is.
function waiting(call) {
  let node = document.querySelector(`#waiting [data-call="${call.id}"]`);
  if (!node) {
    node = document.createElement("li");
    node.dataset.call = call.id;
    const button = document.createElement("button");
    button.className = "main";
    button.textContent = "接听";
    button.onclick = () => act(`/staff/calls/${call.id}/take`).catch(() => {});
    node.append(document.createElement("span"), button);
  }
  const shared = call.shared ? "，给看前面的对话" : "";
  node.firstChild.textContent = call.state === "taken"
    ? `${call.staff}正在接（${LANGUAGES[call.language]}）`
    : `等了${Math.round(call.waited)}秒（${LANGUAGES[call.language]}${shared}）`;
  node.lastChild.hidden = call.state !== "waiting";
  return node;
}

function own(call) {
  find("mine").hidden = !call;
  if (!call) {
    find("log").replaceChildren();
    find("lines").replaceChildren();
    find("text").value = "";
    delete find("mine").dataset.call;
    return;
  }
  if (find("mine").dataset.call !== call.id) {
    find("mine").dataset.call = call.id;
    find("text").focus(); // it was just taken, and is shown only now
  }
  find("mode").textContent = call.taken_over
    ? "现在您直接和居民说话：居民说的每句话都传给您。说完请交还给小沪。"
    : "现在居民的话由小沪回答。您写的话，小沪会念给居民听。要听居民说，请点“接过来说”。";
  find("over").textContent = call.taken_over ? "交还给小沪" : "接过来说";
  find("over").setAttribute("aria-pressed", String(call.taken_over));
  find("summary").hidden = !call.summary;
  find("unshared").hidden = Boolean(call.summary);
  find("lines").replaceChildren(...(call.summary?.lines ?? []).flatMap(({ question, answer }) => {
    const asked = document.createElement("dt");
    asked.textContent = `居民：${question}`;
    const answered = document.createElement("dd");
    answered.textContent = `小沪：${answer}`;
    return [asked, answered];
  }));
  const log = find("log");
  if (log.dataset.call !== call.id || log.children.length > call.messages.length) log.replaceChildren();
  log.dataset.call = call.id;
  for (const { speaker, text } of call.messages.slice(log.children.length)) {
    log.append(line(text, speaker === "staff" ? "staff-said" : "resident", speaker === "staff" ? "您" : "居民"));
    log.scrollTop = log.scrollHeight;
  }
}

function draw() {
  const others = calls.filter((call) => !call.mine);
  find("none").hidden = others.length > 0;
  const list = find("waiting");
  const lines = others.map(waiting);
  for (const old of [...list.children]) if (!lines.includes(old)) old.remove();
  lines.forEach((node, index) => { if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null); });
  own(calls.find((call) => call.mine));
  const ringing = calls.filter((call) => call.state === "waiting");
  document.title = `${ringing.length ? `（${ringing.length}）` : ""}居民来电 · 家门口工作台`;
  if (ringing.some((call) => !known.has(call.id))) ring();
  known = new Set(calls.map((call) => call.id));
}

function ring() {
  if (!bell) return;
  for (const [start, height] of [[0, 880], [0.25, 660]]) {
    const tone = bell.createOscillator();
    const level = bell.createGain();
    level.gain.value = 0.15;
    tone.frequency.value = height;
    tone.connect(level).connect(bell.destination);
    tone.start(bell.currentTime + start);
    tone.stop(bell.currentTime + start + 0.2);
  }
}

find("ring").addEventListener("change", ({ target }) => {
  bell?.close();
  bell = target.checked ? new AudioContext() : null;
  ring();
});
find("answer").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) return;
  sending = true;
  const { call } = find("mine").dataset;
  const text = find("text").value;
  try {
    await act(`/staff/calls/${call}/reply`, { text });
    if (find("text").value === text) find("text").value = "";
  } catch { /* it stays in the box */ } finally {
    sending = false;
    delete find("answer").dataset.sent; // of staff.js: this form is sent many times
  }
});
find("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    find("answer").requestSubmit();
  }
});
find("over").addEventListener("click", ({ target }) => {
  const on = target.getAttribute("aria-pressed") !== "true";
  act(`/staff/calls/${find("mine").dataset.call}/over`, { on }).catch(() => {});
});
find("close").addEventListener("click", () => act(`/staff/calls/${find("mine").dataset.call}/close`).catch(() => {}));

const events = new EventSource("/staff/calls/events");
events.addEventListener("calls", ({ data }) => {
  find("line").textContent = "您在岗：居民现在可以叫到您。离开时请关掉这个页面。";
  find("line").className = "notice good";
  ({ calls } = JSON.parse(data));
  draw();
});
events.addEventListener("ended", () => location.reload()); // logged out meanwhile
events.onerror = () => {
  find("line").textContent = "断线了，正在重新连接。现在居民叫不到您。";
  find("line").className = "notice bad";
};
setInterval(() => { // seconds go on between two messages
  for (const call of calls) call.waited += 1;
  if (calls.some((call) => call.state === "waiting")) draw();
}, 1000);
