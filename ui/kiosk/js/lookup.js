// Characters and words by the letters of their pinyin. No page, no network: tests call this as it is.

// `table` is /ui/kiosk/pinyin.json: {characters: {syllable: "字…"}, words: [[letters, initials, word], …]}, best first.
export class Lookup {
  constructor(table) {
    this.table = table;
    this.syllables = new Set(Object.keys(table.characters));
    this.longest = Math.max(...[...this.syllables].map((one) => one.length));
  }

  // Up to `limit` of {text, used}: `used` letters are spent when it is chosen. Whole words first.
  find(letters, limit = 40) {
    const found = new Map();
    const put = (text, used) => { if (!found.has(text)) found.set(text, { text, used }); };
    if (!letters) return [];
    const { words } = this.table;
    for (const [spelt, , word] of words) if (spelt === letters) put(word, letters.length);
    for (const [, initials, word] of words) {
      if (letters.length > 1 && initials === letters) put(word, letters.length);
    }
    const whole = this.table.characters[letters];
    if (whole) for (const character of whole.slice(0, 6)) put(character, letters.length);
    // What the letters begin, shortest first: yangl finds 养老 before 养老床位.
    const longer = letters.length > 1 ? words.filter(([spelt]) => spelt.startsWith(letters)) : [];
    for (const [, , word] of longer.sort((a, b) => a[2].length - b[2].length).slice(0, 8)) put(word, letters.length);
    // Words that the letters begin with, and then the characters of the first syllable.
    for (const [spelt, , word] of words) {
      if (spelt.length < letters.length && letters.startsWith(spelt) && this._splits(letters.slice(spelt.length))) {
        put(word, spelt.length);
      }
      if (found.size > limit) break;
    }
    for (let length = Math.min(this.longest, letters.length); length > 0; length--) {
      const characters = this.table.characters[letters.slice(0, length)];
      if (characters) for (const character of characters) put(character, length);
    }
    if (!found.size) {
      const [first] = [...this.syllables].filter((one) => one.startsWith(letters)).sort((a, b) => a.length - b.length);
      if (first) for (const character of this.table.characters[first].slice(0, 8)) put(character, letters.length);
    }
    return [...found.values()].slice(0, limit);
  }

  // Whether letters are syllables, the last of which may be unfinished.
  _splits(letters) {
    if (!letters) return true;
    for (let length = Math.min(this.longest, letters.length); length > 0; length--) {
      if (this.syllables.has(letters.slice(0, length)) && this._splits(letters.slice(length))) return true;
    }
    return [...this.syllables].some((one) => one.startsWith(letters));
  }
}
