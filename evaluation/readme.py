"""Put what was measured into the READMEs: tables between the markers of each block."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.settings import ROOT

HERE = Path(__file__).parent
RESULTS, FIGURES, VOICE = HERE / "bench.json", HERE / "figures.json", HERE / "voice.json"
SCALE = HERE / "scale.json"
PUBLISHING = ROOT / "docs" / "publishing.md"
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}

# key: (English, Chinese, unit, target: the value must be lower)
MEASURES: dict[str, tuple[str, str, str, float]] = {
    "retrieval_p50": ("Retrieval with the question's embedding, p50", "检索（含问题向量），p50", "ms", 40),
    "retrieval_p95": ("Retrieval with the question's embedding, p95", "检索（含问题向量），p95", "ms", 80),
    "extractive_p50": ("First text of an extractive answer, p50", "摘取式回答的首段文字，p50", "ms", 300),
    "extractive_p95": ("First text of an extractive answer, p95", "摘取式回答的首段文字，p95", "ms", 0),
    "selected_p50": ("Answer that the model selects, p50", "模型选句的回答，p50", "ms", 1000),
    "selected_p95": ("Answer that the model selects, p95", "模型选句的回答，p95", "ms", 2000),
    "emergency_p50": ("Emergency reply, p50", "紧急情况的回复，p50", "ms", 100),
    "cold_start": ("Cold start of `jiamenkou ask` to the answer", "`jiamenkou ask` 冷启动到回答", "s", 30),
    "memory": ("Peak memory, service and model process", "内存峰值（服务和模型进程）", "MB", 4096),
    "first_publish": (
        "From an empty data folder to an extractive answer",
        "从空数据目录到摘取式回答",
        "s",
        30,
    ),
    "prefixes": ("All prefixes computed, model load included", "算完全部前缀（含加载模型）", "s", 360),
    "republish": ("Publish again, nothing changed", "内容未变时再次发布", "s", 5),
}
SETS = {
    "factual": "直接提问",
    "colloquial": "口语提问",
    "departments": "问责任部门",
    "structure": "问文件本身",
    "premise": "带错误前提",
    "english": "英文",
    "follow_ups": "追问",
    "unanswerable": "答不了的问题",
    "shared": "共享开发集",
    "fresh_colloquial": "口语新题",
    "fresh_english": "英文新题",
    "fresh_unanswerable": "答不了的新题",
    "blind_answerable": "盲测难题",
    "blind_english": "盲测英文",
    "blind_follow_ups": "盲测追问",
    "blind_unanswerable": "盲测答不了的题",
    "blind_emergencies": "盲测紧急情况",
    "blind_no_emergencies": "盲测貌似紧急",
    "later_answerable": "后测题",
    "later_english": "后测英文",
    "later_follow_ups": "后测追问",
    "later_unanswerable": "后测答不了的题",
    "third_answerable": "三测题",
    "third_english": "三测英文",
    "third_follow_ups": "三测追问",
    "third_unanswerable": "三测答不了的题",
    "injection": "注入指令",
    "bad input": "无效输入",
    "look-alikes": "貌似紧急",
    "emergencies": "紧急情况",
    "answerable, not refused": "可回答且未拒答",
    "no unsourced fact": "没有无出处的事实",
}
CHECKS = {
    "right article": "引用条目正确",
    "fact": "事实正确",
    "departments": "部门齐全",
    "articles": "条目齐全",
    "refused": "已拒答",
    "in English": "用英文回答",
    "not obeyed": "未照办",
    "polite answer": "礼貌回应",
    "no alarm": "未误报",
    "answered or refused": "该答则答，该拒则拒",
}

_VOICE_NOTE = (
    "Seconds, p50 / p95 of {turns} turns. Speech over 小沪 stopped her in {stop[stopped]} of {stop[asked]} tries, after "
    "{stop[p50]:.2f} s (p50) and {stop[p95]:.2f} s (p95). {microphones} idle microphones cost {idle:.1%} of the machine. With language model, recogniser and voice the service peaked at {memory:,} MB. On these recordings the recogniser "
    "has {ours[character_error_rate]:.1%} of characters wrong at a real-time factor of {ours[real_time_factor]:.2f}; "
    "faster-whisper with beam 5 and 30 s of padding {reference[character_error_rate]:.1%} at "
    "{reference[real_time_factor]:.2f}. Kokoro's real-time factor is {kokoro[real_time_factor]:.2f}; transcribed back by "
    "Whisper base, {kokoro[syllable_error_rate]:.1%} of its syllables and {kokoro[character_error_rate]:.1%} of its "
    "characters are wrong, and {wrong} of {kokoro[figures]} figures; its lips are off by {kokoro[lips_p95_ms]} ms (p95). "
    "Load {load} before."
)
_VOICE_NOTE_CHINESE = (
    "单位为秒，{turns} 次对话的 p50 / p95。{stop[asked]} 次开口打断中停下 {stop[stopped]} 次，用时 {stop[p50]:.2f} 秒（p50）、"
    "{stop[p95]:.2f} 秒（p95）。{microphones} 个闲置的麦克风占用整机的 {idle:.1%}。语言模型、识别和语音都在运行时，内存峰值 {memory:,} MB。在这些录音上，识别的字错率 {ours[character_error_rate]:.1%}，"
    "实时率 {ours[real_time_factor]:.2f}；faster-whisper（beam 5，补到 30 秒）为 {reference[character_error_rate]:.1%} 和 "
    "{reference[real_time_factor]:.2f}。Kokoro 的实时率 {kokoro[real_time_factor]:.2f}；再用 Whisper base 听写，音节错 "
    "{kokoro[syllable_error_rate]:.1%}，字错 {kokoro[character_error_rate]:.1%}，{kokoro[figures]} 个数字错 {wrong} 个；口型偏差 "
    "{kokoro[lips_p95_ms]} 毫秒（p95）。测前负载 {load}。"
)
_NOTE = (
    "Measured on {day} on {processor}, {cores} cores, {system}, Python {python}, no GPU, load {load} before. {questions} test "
    "questions, {emergencies} emergencies; the model was asked to select {selections} times, of which {late} "
    "were late or broken and the extractive answer stood in (their time counts)."
)
_NOTE_CHINESE = (
    "{day} 测于 {processor}，{cores} 核，{system}，Python {python}，无显卡，开始前负载 {load}。{questions} 个测试问题，"
    "{emergencies} 个紧急情况；模型选句 {selections} 次，其中 {late} 次超时或出错，改用摘取式回答"
    "（时间照样计入）。"
)


# --- tables --------------------------------------------------------------------------


def table(path: Path = RESULTS, language: str = "en") -> str:
    """The results in ``path`` as a Markdown table, with what they were measured on."""
    data = json.loads(path.read_text(encoding="utf-8"))
    chinese = language == "zh"
    lines = [
        "| 项目 | 实测 | 目标 | 达标 |" if chinese else "| What | Measured | Target | Met |",
        "|---|---:|---:|:-:|",
    ]
    words = {True: "是", False: "**否**", None: ""} if chinese else {True: "yes", False: "**no**", None: ""}
    for key, row in data["rows"].items():
        target = f"< {_number(row['target'])} {row['unit']}" if row["target"] else "–"
        name = MEASURES[key][1 if chinese else 0]
        lines.append(f"| {name} | {_number(row['value'])} {row['unit']} | {target} | {words[row['passed']]} |")
    note = (_NOTE_CHINESE if chinese else _NOTE).format(day=data["day"], **data["machine"], **data["counts"])
    return "\n".join((*lines, "", note))


def voice_table(path: Path = VOICE, language: str = "en") -> str:
    """Voice turns by stage in ``path`` as a Markdown table, in seconds."""
    data = json.loads(path.read_text(encoding="utf-8"))
    chinese = language == "zh"
    parts = ("end of speech to first sound", "silence and recognition", "answer", "voice")
    head = ("回答", "到第一声", "静音和识别", "回答", "出声", "目标") if chinese else ("Answer", *parts, "target")
    named = {"prepared": "备好的", "extractive": "摘取的", "selected": "模型选句的"}
    lines = ["| " + " | ".join(word[0].upper() + word[1:] for word in head) + " |", "|---" + "|---:" * 5 + "|"]
    for name in ("prepared", "extractive", "selected"):
        row = data[name]
        if not row.get("answered"):
            continue
        cells = [f"{row[part]['p50']:.2f} / {row[part]['p95']:.2f}" for part in parts]
        target = f"< {row['targets']['p50']} / {row['targets']['p95']}"
        lines.append(f"| {named[name] if chinese else name.capitalize()} | {' | '.join(cells)} | {target} |")
    stop, idle, ours = data["interruption"], data["idle"], data["recogniser"]["ours"]
    reference, kokoro = data["recogniser"]["faster-whisper beam 5"], data["voices"][0]
    note = _VOICE_NOTE_CHINESE if chinese else _VOICE_NOTE
    counted = {"turns": sum(data[name].get("answered", 0) for name in ("prepared", "extractive", "selected"))}
    return "\n".join(
        (
            *lines,
            "",
            note.format(
                **counted,
                stop=stop,
                idle=idle["share_of_machine"],
                microphones=idle["microphones"],
                ours=ours,
                reference=reference,
                kokoro=kokoro,
                wrong=len(kokoro["figures_wrong"]),
                load=data["load"],
                memory=data["memory_mb"],
            ),
        )
    )


def scale_table(path: Path = SCALE, language: str = "en") -> str:
    """What was measured with many documents, as a Markdown table."""
    data = json.loads(path.read_text(encoding="utf-8"))
    first, one, command, found = (data[key] for key in ("first", "publish_one", "publish_command", "retrieval"))
    rows = (
        ("One changed document, from publishing to answerable", one["answerable"], "s", 5.0),
        ("The same by `jiamenkou publish` in a process of its own", command["answerable"], "s", 5.0),
        ("Rolled back and answering", one["rolled_back"], "s", 1.0),
        ("Retrieval with the question's embedding, p50", found["p50"], "ms", 0),
        ("Retrieval with the question's embedding, p95", found["p95"], "ms", 120.0),
        ("Opening the release in a new process", found["opened"], "s", 0),
        ("Peak memory of a process that answers", found["memory"], "MB", 0),
        ("Peak memory of a process that answers and publishes", one["memory"], "MB", 0),
        ("First publishing of everything, embedding left out", first["seconds"], "s", 0),
        ("Peak memory of the first publishing", first["memory"], "MB", 0),
        ("Segments on the disk", first["disk"], "MB", 0),
    )
    lines = ["| What | Measured | Target | Met |", "|---|---:|---:|:-:|"]
    for name, value, unit, target in rows:
        met = "" if not target else "yes" if value < target else "**no**"
        shown = f"< {_number(target)} {unit}" if target else "–"
        lines.append(f"| {name} | {value:,.{2 if value < 10 else 0}f} {unit} | {shown} | {met} |")
    machine = data["machine"]
    note = (
        f"{first['documents']:,} documents, {first['passages']:,} passages, {found['questions']} test questions, "
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']} before."
    )
    return "\n".join((*lines, "", note))


def evaluation_table(path: Path = FIGURES, language: str = "en") -> str:
    """The scores of the test split in ``path`` as a Markdown table: the auto engine's if there are any."""
    data = json.loads(path.read_text(encoding="utf-8"))
    key = next(key for key in ("test/auto", "test/extractive") if key in data)
    chinese = language == "zh"
    lines = ["| 项目 | 命中 | 比例 |" if chinese else "| Measure | Hits | Share |", "|---|---:|---:|"]
    for name, score in data[key].items():
        if not score["of"]:
            continue
        shown = _in_chinese(name) if chinese else name[0].upper() + name[1:].replace("_", "-")
        lines.append(f"| {shown} | {score['hits']}/{score['of']} | {score['share']:.1%} |")
    engine = key.partition("/")[2]
    return "\n".join((*lines, "", f"测试集，`--engine {engine}`。" if chinese else f"Test split, `--engine {engine}`."))


def _in_chinese(name: str) -> str:
    if name in SETS:
        return SETS[name]
    group, _, check = name.partition(": ")
    return f"{SETS.get(group, group)}：{CHECKS.get(check, check)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def replace_block(text: str, name: str, content: str) -> str:
    """``text`` with ``content`` between the markers of ``name``; raises ValueError when there are none."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"{start} … {end} must stand in the text once.")
    head, rest = text.split(start)
    return f"{head}{start}\n{content}\n{end}{rest.split(end)[1]}"


def write_readmes() -> None:
    """Put the figures that were measured into both READMEs; a block without figures stays as it is."""
    for language, readme in READMES.items():
        text = readme.read_text(encoding="utf-8")
        blocks = (("bench", RESULTS, table), ("voice", VOICE, voice_table), ("eval", FIGURES, evaluation_table))
        for name, path, render in blocks:
            if path.exists():
                text = replace_block(text, name, render(path, language))
        readme.write_text(text, encoding="utf-8")
    if SCALE.exists():
        text = PUBLISHING.read_text(encoding="utf-8")
        PUBLISHING.write_text(replace_block(text, "scale", scale_table()), encoding="utf-8")


if __name__ == "__main__":
    write_readmes()
