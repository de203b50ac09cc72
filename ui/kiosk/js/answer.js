// The card of an answer: facts, source, what to take home, what to ask next; and the sheet that is printed.
import { post } from "/ui/ask.js";

const GESTURES = { emergency: "urgent", refused: "sorry", answer: "point" };
const LOOK = 3500; // ms that she looks at the card

export class AnswerCard {
  constructor(screen, face, look) {
    Object.assign(this, { screen, face, look });
    this.home = screen.find(".k-home");
    this.card = screen.find(".k-answer");
    this.sheet = screen.find(".k-print");
    screen.changed(() => this._topics());
    this._topics();
    this.wipe();
  }

  wipe() {
    this.shown = null; // {session, turn_id, kind, article}
    this.card.replaceChildren();
    this.sheet.replaceChildren();
    this.screen.find(".k-article .k-scroll").replaceChildren();
    this.face.lookAt();
    clearTimeout(this.looking);
    this.goHome();
  }

  goHome() {
    this.card.hidden = true;
    this.home.hidden = false;
    this._top();
  }

  // The card of turn `turn_id`; false when the server has it no more.
  async show(session, turn_id) {
    const { screen } = this;
    const asked = this.asked = Symbol("asked");
    const card = await post("/api/kiosk/card", { session, turn_id, language: screen.language });
    if (this.asked !== asked || !card) return null;
    this.shown = { session, turn_id, kind: card.kind, text: card.text };
    const home = document.createElement("div");
    home.className = "k-take";
    const tools = document.createElement("div");
    tools.className = "k-tools";
    if (card.kind === "answer") tools.append(this._button("print", "print"), ...this._thumbs());
    this.card.innerHTML = card.html; // escaped by our own server
    this.card.append(home, tools);
    this.card.insertAdjacentHTML("beforeend", card.more);
    this.card.dataset.kind = card.kind;
    this.card.lang = card.language === "en" ? "en" : screen.code;
    this.sheet.innerHTML = card.print;
    screen.find(".k-article .k-scroll").innerHTML = card.article;
    this.card.hidden = card.kind === "talk" && !card.more;
    this.home.hidden = Boolean(card.more) || card.kind === "answer" || card.kind === "emergency";
    this._top();
    if (GESTURES[card.kind]) this.face.gesture(GESTURES[card.kind]);
    if (card.kind === "answer") {
      this.face.lookAt(this.card);
      this.looking = setTimeout(() => this.face.lookAt(), LOOK);
      this._takeHome(asked);
    }
    return card;
  }

  openArticle() {
    const dialog = this.screen.open(".k-article");
    const scroll = dialog.querySelector(".k-scroll");
    const mark = scroll.querySelector("mark");
    scroll.scrollTop = 0;
    if (mark) scroll.scrollTop = mark.getBoundingClientRect().top - scroll.getBoundingClientRect().top - 60;
    scroll.focus();
  }

  print() { window.print(); }

  async rate(good) {
    if (!this.shown) return;
    const { session, turn_id } = this.shown;
    await fetch("/api/rate", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ session, turn_id, good }),
    }).catch(() => {});
    for (const thumb of this.card.querySelectorAll("[data-rate]")) thumb.remove();
    const thanks = this.card.querySelector(".k-rate");
    if (thanks) thanks.textContent = this.screen.word("thanks");
    this.screen.say(this.screen.word("thanks"));
  }

  // The code that a phone reads. Where a phone couldn't reach this machine, the server says so instead.
  async _takeHome(asked) {
    const { session, turn_id } = this.shown;
    const language = this.screen.english ? "en" : "zh";
    const taken = await post("/api/takeaway", { session, turn_id, language });
    if (this.asked !== asked || !taken) return;
    const place = this.card.querySelector(".k-take");
    const text = document.createElement("p");
    if (taken.qr_svg) {
      place.innerHTML = taken.qr_svg; // drawn by our own server
      text.textContent = this.screen.word("take_home");
      this.sheet.insertAdjacentHTML("beforeend", taken.qr_svg);
    } else text.textContent = taken.message || "";
    place.append(text);
    this.look();
  }

  _thumbs() {
    const told = document.createElement("span");
    told.className = "k-rate";
    told.textContent = this.screen.word("rate");
    const thumbs = [["good", "helpful"], ["bad", "unhelpful"]].map(([value, word]) => {
      const button = this._button("rate", word);
      button.dataset.rate = value;
      return button;
    });
    return [told, ...thumbs];
  }

  _button(name, word) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.do = name;
    button.textContent = this.screen.word(word);
    return button;
  }

  _topics() {
    const { topics } = this.screen;
    this.screen.find(".k-topics").replaceChildren(...topics.map(([name, question]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.ask = question;
      const label = document.createElement("b");
      label.textContent = name;
      const text = document.createElement("span");
      text.textContent = question;
      button.append(label, text);
      return button;
    }));
  }

  _top() {
    this.screen.find(".k-pages").scrollTop = 0;
    this.look();
  }
}
