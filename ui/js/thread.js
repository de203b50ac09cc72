// The thread: ask a suggested question, rate, open the article that a citation names.
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
let dialog = document.getElementById("article-panel");
if (!dialog) {
  // Made once and outside Gradio's tree, so that a new piece of a stream never closes it.
  dialog = document.createElement("dialog");
  dialog.id = "article-panel";
  dialog.innerHTML =
    '<div class="bar"><h2></h2><button type="button" class="close"></button></div>' +
    '<div class="body" tabindex="0"></div><p class="foot"><a></a></p>';
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest(".close")) dialog.close();
  });
}
const open = async (link) => {
  const body = dialog.querySelector(".body");
  const whole = dialog.querySelector(".foot a");
  dialog.querySelector("h2").textContent = link.dataset.title;
  dialog.querySelector(".close").textContent = link.dataset.close;
  dialog.setAttribute("aria-label", link.dataset.title);
  whole.textContent = link.dataset.whole;
  whole.href = link.href;
  body.replaceChildren();
  if (!dialog.open) dialog.showModal();
  try {
    const response = await fetch(link.dataset.fragment);
    if (!response.ok) throw new Error(String(response.status));
    body.innerHTML = await response.text(); // escaped by our own server
  } catch {
    body.textContent = link.dataset.missing;
    return;
  }
  const mark = body.querySelector("mark");
  if (mark) body.scrollTop += mark.getBoundingClientRect().top - body.getBoundingClientRect().top - 90;
  body.focus({ preventScroll: true });
};
element.addEventListener("click", (event) => {
  const ask = event.target.closest("[data-ask]");
  const voice = window.jiamenkouVoice;
  if (ask && !(voice && voice.ask(ask.dataset.ask))) trigger("submit", { text: ask.dataset.ask });
  const rate = event.target.closest("[data-rate]");
  if (rate) trigger("rate", { turn: Number(rate.dataset.turn), good: rate.dataset.rate === "good" });
  const citation = event.target.closest("a.citation");
  if (citation && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
    event.preventDefault();
    open(citation);
  }
});
let shown = element.querySelectorAll(".turn").length;
watch("value", () => requestAnimationFrame(() => {
  const turns = element.querySelectorAll(".turn");
  // A new question moves to the top, so that its answer is read from the beginning.
  if (turns.length > shown) {
    turns[turns.length - 1].scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  } else if (turns.length < shown) window.scrollTo({ top: 0 });
  shown = turns.length;
}));
