"""Take the pictures of the kiosk's states from a running service.

    python scripts/kiosk_screenshots.py http://127.0.0.1:7860/kiosk [folder]

Needs Debian's chromium and fonts-noto-cjk, and Python's playwright. For the staff menu give its PIN in
JIAMENKOU_KIOSK_PIN; without it that picture is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("JIAMENKOU_BROWSER", "/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
SIZES = {"portrait": (1080, 1920), "landscape": (1920, 1080), "small": (1280, 720)}
WIDTH = 540  # px of a kept picture
QUESTIONS = {
    "answer": "养老床位有多少张？",
    "service": "去示例社区事务受理服务中心要带什么？",
    "refusal": "明天的天气怎么样？",
    "emergency": "我家着火了！",
    "english": "How many beds for the elderly are planned?",
}

QUIET = "() => { const { session } = jiamenkouKiosk; if (session.line.open) session.order('cancel'); }"
SPOKEN = """() => {
  for (const clause of jiamenkouKiosk.session.captions.clauses) {
    clause.node.className = "spoken";
    for (const character of clause.characters) character.className = "";
  }
  jiamenkouKiosk.session.tell("");
}"""


def opened(browser: Browser, url: str, size: str) -> Page:
    """A kiosk that waits, without anything moving."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce")
    page.goto(url)
    page.wait_for_selector("#kiosk[data-ready=true]")
    page.wait_for_selector("#stage #kiosk")
    page.evaluate("jiamenkouKiosk.face.ready")
    return page


def ask(page: Page, text: str) -> None:
    """Ask, wait for the card, and have all of the answer coloured as spoken."""
    turn = page.evaluate("jiamenkouKiosk.card.shown?.turn_id || 0")
    page.evaluate("(text) => { jiamenkouKiosk.session.put(text); }", text)
    page.wait_for_function("(turn) => (jiamenkouKiosk.card.shown?.turn_id || 0) > turn", arg=turn, timeout=60_000)
    page.wait_for_timeout(500)  # the code to take home
    page.evaluate(QUIET)
    page.wait_for_timeout(300)
    page.evaluate("jiamenkouKiosk.session.captions.whole(jiamenkouKiosk.card.shown.text)")
    page.evaluate(SPOKEN)
    page.wait_for_timeout(200)


def states(page: Page, questions: Mapping[str, str], pin: str = "") -> Iterator[str]:
    """Bring ``page`` into each state after the other; yields the name of each."""
    yield "attract"
    page.click(".k-begin")
    page.wait_for_function(
        "jiamenkouKiosk.session.state === 'ready' || jiamenkouKiosk.session.microphone.on", timeout=30_000
    )
    page.wait_for_timeout(1000)  # her greeting
    page.evaluate(QUIET)
    page.wait_for_timeout(300)
    page.evaluate("() => { const { session } = jiamenkouKiosk; session.captions.clear(); session.tell(''); }")
    yield "topics"
    for name in ("answer", "service", "refusal", "emergency"):
        ask(page, questions[name])
        yield name
    ask(page, questions["answer"])
    page.evaluate("jiamenkouKiosk.card.openArticle()")
    page.wait_for_selector(".k-article mark")
    yield "article"
    page.evaluate("jiamenkouKiosk.screen.close()")
    page.evaluate("jiamenkouKiosk.screen.setPinyin(true)")
    page.wait_for_selector(".k-said rt")
    yield "pinyin"
    page.evaluate("() => { const { screen } = jiamenkouKiosk; screen.setPinyin(false); screen.setContrast(true); }")
    page.wait_for_selector(".k-said rt", state="detached")
    yield "contrast"
    page.evaluate("jiamenkouKiosk.screen.setContrast(false)")
    page.wait_for_function("jiamenkouKiosk.keyboard.lookup", timeout=60_000)
    page.click("[data-do=type]")
    page.keyboard.type("yanglao")
    yield "keyboard"
    page.keyboard.press("Escape")
    page.click("[data-do=person]")
    page.wait_for_timeout(500)
    yield "person"
    page.evaluate("jiamenkouKiosk.screen.close()")
    page.evaluate("jiamenkouKiosk.session._warn('idle')")
    page.wait_for_timeout(700)
    page.evaluate(QUIET)
    page.wait_for_timeout(300)
    page.evaluate(SPOKEN)
    yield "warning"
    page.click("[data-do=still-here]")
    page.click("[data-language=en]")
    ask(page, questions["english"])
    yield "english"
    page.click("[data-do=end]")
    page.wait_for_function("jiamenkouKiosk.attract.on")
    if pin:
        page.evaluate("jiamenkouKiosk.staff.open()")
        yield "pin"
        page.keyboard.type(pin)
        page.click("[data-digit=enter]")
        page.wait_for_selector(".k-staff[open]")
        yield "staff"


def picture(page: Page) -> Image.Image:
    """What the window shows, ``WIDTH`` wide."""
    with Image.open(BytesIO(page.screenshot(animations="disabled"))) as shot:
        width = WIDTH if shot.height > shot.width else WIDTH * 3 // 2
        return shot.convert("RGB").resize((width, round(shot.height * width / shot.width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Every state upright, the main ones across."""
    url = sys.argv[1].rstrip("/")
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size in SIZES:
            page = opened(browser, url, size)
            for name in states(page, QUESTIONS, os.environ.get("JIAMENKOU_KIOSK_PIN", "")):
                if size != "portrait" and name not in ("attract", "topics", "answer", "service"):
                    continue
                file = folder / f"kiosk-{name}-{size}.webp"
                picture(page).save(file, quality=80, method=6)
                print(file, file.stat().st_size)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
