// What 小沪 says, as it is heard: the clauses of one turn, coloured up to the spoken character, with pinyin when wanted.

export class Captions {
  // `element` shows the clauses; `change(texts)` may resolve to [{text, pinyin}], each text of the same length.
  constructor(element, change = null) {
    Object.assign(this, { element, change });
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.element.hidden = true;
    this.place = "";
    this.clauses = []; // {node, characters: [node, …], text}
    this.rest = null; // the words that are known and whose sound has not come, as one clause more
  }

  // More of the words, before their sound: they can be read at once.
  more(text) {
    if (!this.rest) {
      this.rest = { node: document.createElement("span"), text: "", characters: [] };
      this.rest.node.className = "rest";
    }
    this._rest(this.rest.text + text);
  }

  // One clause behind the others; how much of it is heard comes by `follow`.
  add(text) {
    const node = document.createElement("span");
    const clause = { node, text, characters: [] };
    this.clauses.push(clause);
    this._draw(clause, text, []);
    if (this.rest) {
      this.rest.node.before(node);
      const at = this.rest.text.indexOf(text.trim());
      if (at >= 0) this._rest(this.rest.text.slice(at + text.trim().length));
    } else this.element.append(node);
    this.element.hidden = false;
    this._changed([clause]);
  }

  // All of an answer at once, where nothing is spoken.
  whole(text) {
    this.clear();
    if (text) this.add(text);
  }

  // Draw everything anew: pinyin was switched, or the characters.
  redraw() { this._changed([...this.clauses, ...(this.rest ? [this.rest] : [])]); }

  // Colour up to `position` of the player: {sequence, milliseconds, about: {text, milliseconds, marks}}.
  follow({ sequence, milliseconds, about }) {
    const ends = about.marks.filter(([start]) => start <= milliseconds).map(([, , , end]) => end);
    const share = about.milliseconds ? milliseconds / about.milliseconds : 1;
    const length = [...about.text].length;
    const spoken = share >= 1 ? length : about.marks.length ? Math.max(0, ...ends) : Math.floor(length * share);
    const place = `${sequence} ${spoken}`;
    if (this.place === place) return;
    this.place = place;
    for (const [index, clause] of this.clauses.entries()) {
      clause.node.className = index < sequence ? "spoken" : "";
      for (const [at, character] of clause.characters.entries()) {
        character.classList.toggle("said", index === sequence && at < spoken);
        character.classList.toggle("now", index === sequence && at === spoken - 1);
      }
    }
    this._scroll(sequence, spoken);
  }

  // The words so far, as shown.
  get text() { return this.clauses.map(({ text }) => text).join("") + (this.rest ? this.rest.text : ""); }

  _rest(text) {
    this.rest.text = text;
    this._draw(this.rest, text, []);
    this.element.append(this.rest.node);
    this.element.hidden = !this.text;
    if (text) this._changed([this.rest]);
  }

  _scroll(sequence, spoken) {
    const clause = this.clauses[sequence];
    const at = clause && clause.characters[Math.max(0, spoken - 1)];
    if (!at) return;
    const box = this.element.getBoundingClientRect();
    this.element.scrollTop += at.getBoundingClientRect().bottom - box.top - box.height * 0.7;
  }

  _draw(clause, text, pinyin) {
    clause.characters = [...text].map((character, at) => {
      const letter = document.createElement("b");
      if (!pinyin[at]) {
        letter.textContent = character;
        return letter;
      }
      const ruby = document.createElement("ruby");
      const reading = document.createElement("rt");
      reading.textContent = pinyin[at];
      ruby.append(character, reading);
      letter.append(ruby);
      return letter;
    });
    clause.node.replaceChildren(...clause.characters);
  }

  async _changed(clauses) {
    if (!this.change || !clauses.length) return;
    const before = clauses.map(({ text }) => text);
    const lines = await this.change(before);
    if (!lines) return;
    for (const [index, clause] of clauses.entries()) {
      if (clause.text === before[index]) this._draw(clause, lines[index].text, lines[index].pinyin);
    }
    this.place = "";
  }
}
