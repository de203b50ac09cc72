"""Take the documentation's screenshots of a running service.

    python scripts/screenshots.py http://127.0.0.1:7860 [folder]

Needs Debian's chromium and fonts-noto-cjk, and Python's playwright.
"""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = os.environ.get("JIAMENKOU_BROWSER", "/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
QUESTIONS = {
    "answer": "一刻钟生活圈要达到什么目标？",
    "refusal": "明天的天气怎么样？",
    "emergency": "我家着火了！",
}


def ask(page: Page, text: str) -> None:
    """Send one question and wait until its answer is complete."""
    turns = page.locator(".turn").count()
    page.fill("textarea", text)
    page.click(".send")
    page.locator(".turn").nth(turns).wait_for()
    page.wait_for_selector(".turn:last-child .reply[aria-busy=false]", timeout=60_000)
    page.wait_for_timeout(900)  # smooth scrolling


def shoot(page: Page, folder: Path, name: str) -> None:
    """Save what the window shows, in few colours to keep the file small."""
    with Image.open(BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").quantize(96).save(folder / f"{name}.png", optimize=True)
    print(folder / f"{name}.png")


def main() -> None:
    """Every state at both sizes."""
    url = sys.argv[1].rstrip("/")
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
            page.goto(url)
            page.wait_for_selector(".suggestion")
            page.wait_for_timeout(500)
            shoot(page, folder, f"start-{size}")
            ask(page, QUESTIONS["answer"])
            shoot(page, folder, f"answer-{size}")
            page.click(".turn:last-child .citation")
            page.wait_for_selector("#article-panel mark")
            page.wait_for_timeout(500)
            shoot(page, folder, f"article-{size}")
            page.click("#article-panel .close")
            for name in ("refusal", "emergency"):
                ask(page, QUESTIONS[name])
                shoot(page, folder, f"{name}-{size}")
            page.close()
            page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
            page.goto(f"{url}/?lang=en")
            page.wait_for_selector(".suggestion")
            ask(page, "What is the 15-minute living circle?")
            shoot(page, folder, f"english-{size}")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
