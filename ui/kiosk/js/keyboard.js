// The keyboard on the screen: letters become characters by their pinyin; large keys, and nothing to drag.
import { Lookup } from "/ui/kiosk/lookup.js";

const ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
const DIGITS = "1234567890";
const LIMIT = 200; // characters of a question
const ROOM = 8; // candidates on one page

export class Keyboard {
  // `ask(text)` is called with the finished question.
  constructor(screen, ask) {
    Object.assign(this, { screen, ask, lookup: null, letters: "", text: "", page: 0, mode: "pinyin" });
    this.dialog = screen.find(".k-keyboard");
    this.keys = this.dialog.querySelector(".k-keys");
    this.dialog.addEventListener("click", (event) => this._press(event));
    this.dialog.addEventListener("keydown", (event) => this._type(event));
    screen.changed(() => this._draw());
    this._draw();
  }

  // `text` is what is there already: a question that was misheard.
  open(text = "") {
    this.load();
    this.wipe();
    this.text = text;
    this.mode = this.screen.english ? "letters" : "pinyin";
    this.screen.open(".k-keyboard");
    this._draw();
    this.dialog.querySelector(".k-typed").focus();
  }

  // The table is fetched once, before it is needed.
  async load() {
    if (this.lookup || this.loading) return;
    this.loading = true;
    try {
      const reply = await fetch("/ui/kiosk/pinyin.json");
      if (reply.ok) this.lookup = new Lookup(await reply.json());
      this._candidates();
    } catch { /* tried again when the keyboard opens */ }
    this.loading = false;
  }

  wipe() {
    this.text = this.letters = "";
    this.page = 0;
    this._show("");
  }

  _press({ target }) {
    const key = target.closest("[data-key]");
    const candidate = target.closest("[data-candidate]");
    if (key) this._key(key.dataset.key);
    else if (candidate) this._choose(Number(candidate.dataset.candidate));
  }

  // A real keyboard: letters, digits that choose, Enter that asks.
  _type(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const onButton = event.target.closest("button") && (event.key === "Enter" || event.key === " ");
    if (onButton) return;
    if (event.key === "Enter") this._key("send");
    else if (event.key === "Backspace") this._key("delete");
    else if (event.key === " ") this._key("space");
    else if (this.letters && /^[1-8]$/.test(event.key)) this._choose(this.page * ROOM + Number(event.key) - 1);
    else if (event.key.length === 1) this._key(event.key);
    else return;
    event.preventDefault();
  }

  _key(key) {
    if (key === "send") return this._send();
    if (key === "clear") this.wipe();
    else if (key === "delete") {
      if (this.letters) this.letters = this.letters.slice(0, -1);
      else this.text = [...this.text].slice(0, -1).join("");
    } else if (key === "space") {
      if (this.letters) return this._choose(this.page * ROOM);
      this._put(" ");
    } else if (key === "more") {
      this.page = (this.page + 1) * ROOM < this.found.length ? this.page + 1 : 0;
      return this._candidates();
    } else if (key === "mode") {
      this._put(this.letters);
      this.letters = "";
      this.mode = this.mode === "pinyin" ? "letters" : "pinyin";
      return this._draw();
    } else if (this.mode === "pinyin" && /^[a-z]$/i.test(key)) {
      if (this.letters.length < 40) this.letters += key.toLowerCase();
    } else this._put(key);
    this.page = 0;
    this._show("");
  }

  _put(text) { if ([...this.text].length + text.length <= LIMIT) this.text += text; }

  _choose(index) {
    const chosen = this.found[index];
    if (!chosen) return;
    this._put(chosen.text);
    this.letters = this.letters.slice(chosen.used);
    this.page = 0;
    this._show("");
    this.dialog.querySelector(".k-typed").focus();
  }

  _send() {
    if (this.letters && this.found.length) this._choose(0);
    const text = `${this.text}${this.letters}`.trim();
    if (!text) return this._show(this.screen.word("empty"));
    this.dialog.close();
    this.wipe();
    this.ask(text);
  }

  _draw() {
    const { screen, mode } = this;
    const key = (name, label, kind = "") => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.key = name;
      button.textContent = label;
      if (kind) button.className = kind;
      return button;
    };
    const row = (...buttons) => {
      const node = document.createElement("div");
      node.append(...buttons);
      return node;
    };
    this.keys.replaceChildren(
      row(...[...DIGITS].map((one) => key(one, one))),
      row(...[...ROWS[0]].map((one) => key(one, one))),
      row(...[...ROWS[1]].map((one) => key(one, one))),
      row(...[...ROWS[2]].map((one) => key(one, one)), key("delete", screen.word("delete"), "wide")),
      row(
        key("mode", screen.word(mode === "pinyin" ? "letters" : "pinyin_keys"), "wide"),
        key("space", screen.word("space"), "space"),
        ...[..."，。？"].map((one) => key(one, one)),
      ),
    );
    this._show("");
  }

  _show(hint) {
    const [text, letters] = this.dialog.querySelector(".k-typed").children;
    text.textContent = this.text;
    letters.textContent = this.letters;
    this.dialog.querySelector(".k-hint").textContent = hint || (this.text || this.letters ? "" : this.screen.word("keyboard_hint"));
    this._candidates();
  }

  _candidates() {
    this.found = this.lookup && this.letters ? this.lookup.find(this.letters) : [];
    const row = this.dialog.querySelector(".k-candidates");
    const shown = this.found.slice(this.page * ROOM, (this.page + 1) * ROOM);
    row.replaceChildren(...shown.map(({ text }, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.candidate = this.page * ROOM + at;
      button.textContent = text;
      return button;
    }));
    if (this.found.length > ROOM) {
      const more = document.createElement("button");
      more.type = "button";
      more.dataset.key = "more";
      more.textContent = this.screen.word("more");
      row.append(more);
    }
  }
}
