// The screen: words in the chosen language, the size of the text, contrast, pinyin, and what changes all of it.
import { post } from "/ui/ask.js";

const SIZES = 3;

export class Screen {
  constructor(root, config) {
    Object.assign(this, { root, config });
    const asked = new URLSearchParams(location.search);
    const size = Number(asked.get("size"));
    this.first = { // what each session begins with
      language: config.words[asked.get("lang")] ? asked.get("lang") : "zh",
      size: size >= 1 && size <= SIZES ? size : 2,
      contrast: asked.get("contrast") === "high",
      pinyin: asked.get("pinyin") === "1",
    };
    if (["portrait", "landscape"].includes(asked.get("layout"))) root.dataset.layout = asked.get("layout");
    this.listeners = [];
    this.reset();
  }

  find(selector) { return this.root.querySelector(selector); }

  all(selector) { return [...this.root.querySelectorAll(selector)]; }

  word(name, fill = "") { return this.config.words[this.language][name].replace("{}", () => fill); }

  get code() { return this.config.codes[this.language]; }
  get english() { return this.language === "en"; }
  get topics() { return this.config.topics[this.language]; }
  get examples() { return this.config.examples[this.language]; }

  // `listener()` is called when language, pinyin or characters have changed.
  changed(listener) { this.listeners.push(listener); }

  reset() {
    const { language, size, contrast, pinyin } = this.first;
    this.pinyin = pinyin;
    this.contrast = contrast;
    this.setSize(size);
    this.setLanguage(language);
  }

  setLanguage(language) {
    this.language = language;
    this.root.lang = document.documentElement.lang = this.code;
    document.title = this.word("title");
    for (const node of this.all("[data-word]")) node.textContent = this.word(node.dataset.word);
    for (const node of this.all("[data-label]")) node.setAttribute("aria-label", this.word(node.dataset.label));
    for (const node of this.all("[data-language]")) {
      node.setAttribute("aria-pressed", String(node.dataset.language === language));
    }
    this._looks();
    for (const listener of this.listeners) listener();
  }

  setPinyin(on) {
    this.pinyin = on;
    this._looks();
    for (const listener of this.listeners) listener();
  }

  setContrast(on) {
    this.contrast = on;
    this._looks();
  }

  setSize(size) {
    this.size = Math.min(SIZES, Math.max(1, size));
    this.root.dataset.size = this.size;
  }

  // One size larger, and after the largest the standard one.
  bigger() {
    this.setSize((this.size % SIZES) + 1);
    return this.word(`size_${this.size}`);
  }

  // Lines as the person wants them: [{text, pinyin}], or null when they stay as they are.
  async lines(texts) {
    const traditional = this.language === "hant";
    if (!traditional && !this.pinyin) return texts.map((text) => ({ text, pinyin: [] }));
    const reply = await post("/api/kiosk/text", { texts: texts.slice(0, 20), traditional, pinyin: this.pinyin });
    return reply && [...reply.lines, ...texts.slice(20).map((text) => ({ text, pinyin: [] }))];
  }

  // Tell a screen reader; what is shown stays.
  say(text) { this.find(".k-live").textContent = text; }

  text(selector, text) {
    const node = this.find(selector);
    node.textContent = text || "";
    node.hidden = !text;
  }

  open(selector) {
    const dialog = this.find(selector);
    if (!dialog.open) dialog.showModal();
    return dialog;
  }

  close() { for (const dialog of this.all("dialog[open]")) dialog.close(); }

  _looks() {
    this.root.dataset.contrast = this.contrast ? "high" : "normal";
    this.root.dataset.pinyin = this.pinyin;
    const pinyin = this.find('[data-do="pinyin"]');
    pinyin.setAttribute("aria-pressed", String(this.pinyin));
    pinyin.hidden = this.english;
    this.find('[data-do="contrast"]').setAttribute("aria-pressed", String(this.contrast));
  }
}

// Buttons 往上看 and 往下看 for everything that is longer than its place: no one has to drag.
export function pages(root) {
  root.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-page]");
    if (!button) return;
    const scroll = button.closest("section, dialog").querySelector(".k-scroll");
    scroll.scrollBy({ top: Number(button.dataset.page) * scroll.clientHeight * 0.8 });
  });
  const look = () => {
    for (const pager of root.querySelectorAll(".k-card > .k-pager")) {
      const scroll = pager.parentElement.querySelector(".k-scroll");
      const space = scroll.clientHeight + (pager.hidden ? 0 : pager.offsetHeight); // as if there were no buttons
      pager.hidden = scroll.scrollHeight <= space + 4;
      const [up, down] = pager.children;
      up.disabled = scroll.scrollTop < 4;
      down.disabled = scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 4;
    }
  };
  const scroll = root.querySelector(".k-pages");
  scroll.addEventListener("scroll", look);
  const observer = new ResizeObserver(() => requestAnimationFrame(look));
  for (const node of [scroll, ...scroll.children]) observer.observe(node);
  return look;
}
