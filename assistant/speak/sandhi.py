"""Third tones that rise before another third tone, for voices that say tones as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.speak.pronounce import Pause, Syllable


def sandhi(run: Sequence[Syllable | Pause]) -> list[Syllable | Pause]:
    """``run`` with the first of two neighbouring third tones made second.

    In a row of third tones each word keeps its own last one when a word follows: 展览馆 is 2 2 3,
    你好 is 2 3, 很 好 is 2 3.
    """
    changed = list(run)
    for place in range(len(changed) - 2, -1, -1):
        here, following = changed[place], run[place + 1]
        if not isinstance(here, Syllable) or not isinstance(following, Syllable):
            continue
        if here.tone == 3 and following.tone == 3 and _rises(here, changed[place + 1]):
            changed[place] = replace(here, tone=2)
    return changed


def _rises(here: Syllable, following: Syllable | Pause) -> bool:
    # Across words the change stops where the next one has already risen.
    return not here.word_end or (isinstance(following, Syllable) and following.tone == 3)
