"""Let residents come and go at a kiosk for a while, and see whether it grows or slows down.

    python scripts/kiosk_soak.py http://127.0.0.1:7860/kiosk 30

Prints a line a minute: frames a second of 小沪, the page's heap, its nodes and listeners, and the memory of all
browser processes (proportional share); at the end the growth from the first quarter to the last.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from kiosk_screenshots import CHROMIUM, FLAGS
from playwright.sync_api import CDPSession, Page, sync_playwright

QUESTIONS = ("养老床位有多少张？", "去示例社区事务受理服务中心要带什么？", "明天的天气怎么样？")
TALK = 6.0  # seconds that she may speak of each answer


def resident(page: Page) -> None:
    """One session: come, ask three questions, look at a few things, end."""
    page.click(".k-begin")
    page.wait_for_function("jiamenkouKiosk.session.state !== 'connecting'", timeout=30_000)
    for question in QUESTIONS:
        page.evaluate("(text) => { jiamenkouKiosk.session.put(text); }", question)
        page.wait_for_timeout(TALK * 1000)
    page.click("[data-do=bigger]")
    page.click("[data-do=type]")
    page.keyboard.type("yanglao")
    page.keyboard.press("Escape")
    page.click("[data-do=end]")
    page.wait_for_function("jiamenkouKiosk.attract.on", timeout=30_000)


def memory(root: int) -> float:
    """MB of all processes below ``root``: the browser's, and the driver's small one. Shared pages count by their share."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], list(children.get(root, ()))
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    total = 0
    for pid in found:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def look(page: Page, metrics: CDPSession) -> dict[str, float]:
    """What is measured, after a garbage collection."""
    metrics.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in metrics.send("Performance.getMetrics")["metrics"]}
    return {
        "frames": page.evaluate("jiamenkouKiosk.face.frames"),
        "heap": found["JSHeapUsedSize"] / 1e6,
        "nodes": found["Nodes"],
        "listeners": found["JSEventListeners"],
        "memory": memory(os.getpid()),
    }


def main() -> None:
    """Soak."""
    url, minutes = sys.argv[1], float(sys.argv[2] if len(sys.argv) > 2 else 30)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1080, "height": 1920}, locale="zh-CN")
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable")
        page.goto(url)
        page.wait_for_selector("#kiosk[data-ready=true]")
        begun, due, rows, sessions = time.monotonic(), 0.0, [], 0
        while (passed := time.monotonic() - begun) < minutes * 60:
            resident(page)
            sessions += 1
            if passed >= due:
                due += 60
                rows.append(look(page, metrics))
                told = ", ".join(f"{name} {value:.1f}" for name, value in rows[-1].items())
                print(f"{passed / 60:5.1f} min, {sessions} sessions: {told}", flush=True)
        quarter = max(1, len(rows) // 4)
        for name in rows[0]:
            first, last = (statistics.mean(row[name] for row in part) for part in (rows[:quarter], rows[-quarter:]))
            print(
                f"{name}: {first:.1f} → {last:.1f} ({(last / first - 1) * 100:+.1f}%)"
                if first
                else f"{name}: {last:.1f}"
            )
        browser.close()


if __name__ == "__main__":
    main()
