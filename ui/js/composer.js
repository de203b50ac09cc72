// The input box: Enter sends (never while an input method is composing), Shift+Enter breaks the line.
const box = () => element.querySelector("textarea");
const hint = (text) => { element.querySelector(".hint").textContent = text; };
const fit = () => { const area = box(); area.style.height = "auto"; area.style.height = `${area.scrollHeight}px`; };
const submit = () => {
  if (props.value.busy || !props.value.ready) return;
  const text = box().value.trim();
  if (!text) { hint(props.value.empty); box().focus(); return; }
  hint("");
  box().value = "";
  fit();
  const voice = window.jiamenkouVoice;
  if (!voice || !voice.ask(text)) trigger("submit", { text }); // by voice's own line the answer is spoken
};
element.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
element.addEventListener("input", () => { hint(""); fit(); });
element.addEventListener("keydown", (event) => {
  // keyCode 229: Safari reports the Enter that ends a composition after it has ended.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  submit();
});
element.addEventListener("click", (event) => { if (event.target.closest(".stop")) trigger("stop", {}); });
watch("value", () => { hint(""); });
if (matchMedia("(pointer: fine)").matches) box().focus({ preventScroll: true });
