// 找人工: the right number and counter, a call to staff, and their words while they are there.

const OPEN = new Set(["waiting", "taken"]);
const CITIZENS = "12345";

export class Person {
  // `talk()` is the session: {id, line, captions, …}.
  constructor(screen, talk) {
    Object.assign(this, { screen, talk, call: null, hotline: CITIZENS, stream: null });
    this.dialog = screen.find(".k-person-dialog");
    this.dialog.addEventListener("click", ({ target }) => {
      const choice = target.closest("[data-person]");
      if (choice) this._choose(choice.dataset.person);
    });
  }

  get busy() { return Boolean(this.call) && OPEN.has(this.call.state); }

  get path() { return `/api/sessions/${this.talk().id}/call`; }

  wipe() {
    if (this.stream) this.stream.close();
    this.call = this.stream = this.summary = null;
    this.hotline = CITIZENS;
    this.dialog.querySelector(".k-scroll").replaceChildren();
    this._banner();
  }

  // What an answer offers: a number, and this dialog when a person was asked for.
  offer(answer) {
    this.hotline = answer.hotline || CITIZENS;
    if (answer.wants_person) this.open();
  }

  async open() {
    const { screen } = this;
    this._draw([this._line("person_number"), this._number(this.hotline)], []);
    screen.open(".k-person-dialog");
    const language = screen.english ? "en" : "zh";
    const found = await fetch(`${this.path}?language=${language}`).then((reply) => (reply.ok ? reply.json() : null), () => null);
    if (!found || !this.dialog.open) return;
    this.summary = found.summary;
    if (found.call && OPEN.has(found.call.state)) return this.changed(found.call);
    const { counter } = found.offer;
    const hotline = found.offer.hotline || { name: "", number: this.hotline };
    const lines = [];
    if (found.message) lines.push(this._text("p", found.message));
    lines.push(this._line("person_number"), ...(hotline.name ? [this._text("p", hotline.name)] : []), this._number(hotline.number));
    if (counter) {
      const place = [counter.name, counter.where, counter.hours, counter.phone].filter(Boolean);
      lines.push(this._line("person_counter"), ...place.map((text) => this._text("p", text)));
      const list = document.createElement("ul");
      list.className = "documents";
      list.append(...(counter.documents || []).map((text) => this._text("li", text)));
      if (list.children.length) lines.push(list);
    }
    this._draw(lines, found.manned ? ["call"] : []);
  }

  // The state of the call, by the voice line or by the stream of events.
  changed(call) {
    const ended = this.busy && !OPEN.has(call.state);
    this.call = call;
    this._banner();
    if (call.state === "waiting") {
      this._draw([this._text("p", call.message || this.screen.word("person_wait"))], ["cancel"]);
      this.screen.open(".k-person-dialog");
    } else if (call.state === "taken") this.dialog.close();
    if (ended) {
      this.dialog.close();
      if (this.stream) this.stream.close();
      this.stream = null;
    }
    if (call.message && call.state !== "waiting") this.talk().tell(call.message);
  }

  // A message of the voice line that is about the call.
  hear(message) { if (message.type === "call") this.changed(message); }

  async _choose(choice) {
    if (choice === "call") {
      if (this.summary) this._ask();
      else await this._call(false);
    } else if (choice === "share") await this._call(true);
    else if (choice === "alone") await this._call(false);
    else if (choice === "cancel") {
      await fetch(this.path, { method: "DELETE" }).catch(() => {});
      this.call = null;
      this._banner();
      this.dialog.close();
    } else this.dialog.close();
  }

  // What staff would read, before they may.
  _ask() {
    const lines = this.summary.lines.flatMap(({ question, answer }) => [
      this._text("p", `${this.screen.word("you")}：${question}`), this._text("p", answer),
    ]);
    this._draw([this._text("p", this.summary.consent || this.screen.word("person_share")), ...lines], ["share", "alone"]);
  }

  async _call(share) {
    const body = { share, language: this.screen.english ? "en" : "zh" };
    if (share) body.summary_id = this.summary.id;
    this._draw([this._line("person_wait")], ["cancel"]);
    let reply;
    try {
      reply = await fetch(this.path, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
    } catch {
      return this.open();
    }
    const told = await reply.json().catch(() => ({}));
    if (!reply.ok) {
      await this.open(); // anew: what was said may have changed
      if (told.error) this.dialog.querySelector(".k-scroll").prepend(this._text("p", `${told.error.message}${told.error.hint}`));
      return;
    }
    this.changed(told);
    if (!this.talk().line.open) this._follow();
  }

  // Without the voice line the call is followed by a stream of its own.
  _follow() {
    const stream = this.stream = new EventSource(`${this.path}/events`);
    stream.addEventListener("call", ({ data }) => this.changed(JSON.parse(data)));
    stream.addEventListener("reply", ({ data }) => {
      const reply = JSON.parse(data);
      this.talk().captions.whole(reply.answer);
      this.screen.text(".k-who", this.screen.word("person_says"));
      this.screen.say(`${this.screen.word("person_says")}：${reply.answer}`);
    });
  }

  _banner() {
    const with_ = this.busy && this.call.taken_over;
    this.screen.root.dataset.person = with_ ? "with" : "";
    this.screen.text(".k-with", with_ ? this.screen.word("person_with") : "");
  }

  _draw(lines, choices) {
    const names = { call: "person_call", share: "person_share_yes", alone: "person_share_no", cancel: "person_cancel" };
    this.dialog.querySelector(".k-scroll").replaceChildren(...lines);
    const buttons = choices.map((name) => {
      const button = this._text("button", this.screen.word(names[name]));
      button.type = "button";
      button.dataset.person = name;
      if (name !== "cancel") button.className = "k-main-choice";
      return button;
    });
    if (!choices.includes("cancel")) {
      const close = this._text("button", this.screen.word("close"));
      close.type = "button";
      close.dataset.person = "close";
      buttons.push(close);
    }
    this.dialog.querySelector(".k-person-choices").replaceChildren(...buttons);
  }

  _line(word) {
    const node = this._text("p", this.screen.word(word));
    node.className = "k-lead";
    return node;
  }

  _number(number) {
    const node = this._text("p", number);
    node.className = "k-number";
    return node;
  }

  _text(tag, text) {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  }
}
