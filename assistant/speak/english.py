"""English words as phonemes of the Kokoro set, from the dictionary that misaki ships."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

# Spellings and their sounds for words that no dictionary holds, longest first.
_SPELLINGS = (
    ("tion", "ʃən"), ("sion", "ʒən"), ("ough", "O"), ("igh", "I"), ("sh", "ʃ"), ("ch", "ʧ"), ("th", "θ"), ("ph", "f"),
    ("wh", "w"), ("ck", "k"), ("ng", "ŋ"), ("qu", "kw"), ("ee", "i"), ("ea", "i"), ("oo", "u"), ("ou", "W"),
    ("ow", "W"), ("ai", "A"), ("ay", "A"), ("oa", "O"), ("oi", "Y"), ("oy", "Y"), ("au", "ɔ"), ("ar", "ɑɹ"),
    ("er", "əɹ"), ("or", "ɔɹ"), ("a", "æ"), ("b", "b"), ("c", "k"), ("d", "d"), ("e", "ɛ"), ("f", "f"), ("g", "ɡ"),
    ("h", "h"), ("i", "ɪ"), ("j", "ʤ"), ("k", "k"), ("l", "l"), ("m", "m"), ("n", "n"), ("o", "ɑ"), ("p", "p"),
    ("q", "k"), ("r", "ɹ"), ("s", "s"), ("t", "t"), ("u", "ʌ"), ("v", "v"), ("w", "w"), ("x", "ks"), ("y", "i"),
    ("z", "z"),
)  # fmt: skip
_HISSING = "szʃʒʧʤ"
_VOICELESS = "ptkfθ"


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, str]:
    known: dict[str, str] = {}
    for name in ("us_silver.json", "us_gold.json"):  # the checked one last, so that it wins
        table = json.loads(files("misaki.data").joinpath(name).read_text(encoding="utf-8"))
        for word, said in table.items():
            # Words with several readings by part of speech take the commonest.
            known[word] = said if isinstance(said, str) else said["DEFAULT"] or next(filter(None, said.values()))
    return known


def letter_phonemes(letter: str) -> str:
    """The name of a capital letter."""
    return "ˈA" if letter == "A" else _dictionary()[letter]


@lru_cache(maxsize=4096)
def phonemes(word: str) -> str:
    """Phonemes of one word, always something."""
    known = _dictionary()
    if word == "a":
        return "ə"
    for form in (word, word.lower(), word.capitalize()):
        if form in known and (len(form) > 1 or form == "I"):
            return known[form]
    lower = word.lower()
    if lower.endswith("'s"):
        return _plural(phonemes(lower[:-2]))
    if "-" in lower:
        return "".join(phonemes(part) for part in lower.split("-"))
    if lower.endswith("ies") and lower[:-3] + "y" in known:
        return known[lower[:-3] + "y"] + "z"
    for stem in (lower[:-1], lower[:-2]) if lower.endswith("s") else ():
        if stem in known:
            return _plural(known[stem])
    for stem in (lower[:-2], lower[:-1]) if lower.endswith("ed") else ():
        if stem in known:
            return _past(known[stem])
    for stem in (lower[:-3], lower[:-3] + "e") if lower.endswith("ing") else ():
        if stem in known:
            return known[stem] + "ɪŋ"
    return _spelt(lower)


def _plural(stem: str) -> str:
    if stem[-1] in _HISSING:
        return stem + "ᵻz"
    return stem + ("s" if stem[-1] in _VOICELESS else "z")


def _past(stem: str) -> str:
    if stem[-1] in "td":
        return stem + "ᵻd"
    return stem + ("t" if stem[-1] in _VOICELESS + "sʃʧ" else "d")


def _spelt(word: str) -> str:
    said = ""
    position = 0
    while position < len(word):
        found = next(((s, p) for s, p in _SPELLINGS if word.startswith(s, position)), None)
        if found:
            said += found[1]
            position += len(found[0])
        else:
            position += 1
    return "ˈ" + said if said else ""
