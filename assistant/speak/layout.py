"""What is shown but never said: Markdown, citations, addresses of pages, emoji's helpers."""

from __future__ import annotations

import re

from assistant.speak.spoken import Rule


def _silent(pattern: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), lambda match: [(0, "")])


LAYOUT: tuple[Rule, ...] = (
    _silent(r"(?:https?://|www\.)[^\s，。；！？、）)】」]+"),
    _silent(r"[\w.+-]+@[\w-]+\.[\w.-]+(?<!\.)"),
    _silent(r"\]\([^)\s]*\)"),  # the address of [words](address)
    _silent(r"!?\[(?=[^\]\n]*\]\()"),
    _silent(r"[\[【［]\^?\d+(?:\s?[,，、\-–]\s?\d+)*[\]】］]"),  # [1], 【2】, [^3], [1, 2]
    _silent(r"[\[［][a-z]+(?:-[\w]+)+(?:#[\w-]+)?[\]］]"),  # [plan-2022-23#14]
    _silent(r"[（(\[【]\s?(?:来源|出处|引自|依据|资料来源|source|sources|see)\s?[:：]?[^）)\]】]*[）)\]】]"),
    _silent(r"(?:(?<=\n)|(?<![\s\S]))[ ]*(?:#{1,6}|>|[-*+](?=[ ]))[ ]*"),
    _silent(r"\*+|_{2,}|`+|~~|\|[-:| ]*|-{3,}|#(?=\w)"),
    _silent(r"</?[a-z][^<>]*>"),
)
