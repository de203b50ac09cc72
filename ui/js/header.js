// The bar on top: switch the language, clear the conversation.
const speak = () => {
  const bar = element.querySelector("[data-lang]");
  document.documentElement.lang = bar && bar.dataset.lang === "en" ? "en" : "zh-CN";
};
element.addEventListener("click", (event) => {
  const language = event.target.closest("[data-language]");
  if (language) trigger("language", { language: language.dataset.language });
  if (event.target.closest("[data-clear]")) trigger("clear", {});
});
watch("value", speak);
speak();
