"""Take the pictures of docs/avatar.md: the faces are served from here, frames are drawn by hand.

    python scripts/avatar_pictures.py [folder]

Needs Chromium and playwright.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ui.avatar import add_avatar

PORT = 8799
BY_HAND = """
window.clock = 0; window.stamp = 0; window.waiting = null;
window.avatarHooks = { now: () => clock, random: () => 0.3, raf: (step) => { waiting = step; return 1; }, caf: () => {} };
window.run = (seconds) => {
  for (let i = 0; i < seconds * 60; i += 1) { stamp += 1000 / 60; const step = waiting; waiting = null; step?.(stamp); }
};
"""
SHAPES = "rest closed teeth tongue back smile round_teeth narrow open mid wide round pursed TH nn RR".split()
POSES = ("idle", "listening", "thinking", "speaking", "sleeping")
GESTURES = {"greet": 1.25, "point": 1.1, "sorry": 1.05, "urgent": 0.9, "nod": 0.3}  # seconds until it is at its height


class Studio:
    """One browser; every picture is a page of its own."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser = browser
        self.folder = folder

    def take(self, width: int, height: int, script: str, query: str = "bare") -> Image.Image:
        """The try-out page after ``script``."""
        page = self.browser.new_page(viewport={"width": width, "height": height})
        page.add_init_script(BY_HAND)
        page.goto(f"http://127.0.0.1:{PORT}/ui/avatar/demo?{query}")
        page.wait_for_function("window.demo && document.querySelector('#stage svg')")
        page.evaluate("document.documentElement.style.background = document.body.style.background = '#fbf6ea'")
        page.evaluate(f"demo.ready.then(() => {{ {script} }})")
        page.wait_for_timeout(120)
        picture = Image.open(io.BytesIO(page.screenshot()))
        page.close()
        return picture

    def sheet(self, name: str, columns: int, pictures: list[tuple[str, Image.Image]]) -> None:
        """Pictures in a grid, each over its name."""
        cells = []
        for label, picture in pictures:
            content = io.BytesIO()
            picture.save(content, "PNG")
            image = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
            cells.append(f"<figure style='margin:0'><img src='{image}' style='display:block'>{label}</figure>")
        width, height = pictures[0][1].size
        rows = -(-len(pictures) // columns)
        page = self.browser.new_page(viewport={"width": columns * width, "height": rows * (height + 26)})
        grid = f"display:grid;grid-template-columns:repeat({columns},{width}px);margin:0;font:16px/26px sans-serif"
        page.set_content(f"<body style='{grid};text-align:center'>{''.join(cells)}")
        page.wait_for_timeout(200)
        self.save(name, Image.open(io.BytesIO(page.screenshot())))
        page.close()

    def save(self, name: str, picture: Image.Image) -> None:
        """Full colours: her soft shades don't survive a palette."""
        picture.convert("RGB").save(self.folder / f"{name}.png", optimize=True)


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    app = FastAPI()
    add_avatar(app)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    chromium = os.environ.get("JIAMENKOU_BROWSER", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        studio = Studio(browser, folder)
        studio.save("avatar", studio.take(560, 660, "run(1.2)"))
        poses = [(pose, f"demo.setPose('{pose}'); run(1.2)") for pose in POSES]
        gestures = [(name, f"run(0.2); demo.gesture('{name}'); run({at})") for name, at in GESTURES.items()]
        for title, moves in (("avatar-poses", poses), ("avatar-gestures", gestures)):
            studio.sheet(title, 5, [(name, studio.take(220, 257, script)) for name, script in moves])
        mouths = []
        for shape in SHAPES:
            script = (
                f"demo.setReducedMotion(true); demo.speak([[0, '{shape}'], [900, 'rest']], 0); clock = 0.5; run(0.1)"
            )
            whole = studio.take(400, 400, script, "bare&view=bust")
            mouths.append((shape, whole.crop((129, 163, 271, 287))))
        studio.sheet("avatar-mouths", 8, mouths)
        browser.close()
    server.should_exit = True


if __name__ == "__main__":
    main()
