"""Colours and fonts for what Gradio itself draws; everything else is in style.css."""

from __future__ import annotations

from gradio.themes import Base, Color
from gradio.themes.utils.fonts import Font

JADE = Color(
    "#eef7f4", "#e4f1ec", "#c6e2d9", "#9ccdbf", "#5fab99", "#2f8a79", "#17665c", "#0f4f47", "#0c403a",
    "#0a332e", "#062420", name="jade",
)  # fmt: skip
PAPER = Color(
    "#fffdf8", "#fbf6ec", "#f1e8d9", "#e6dccb", "#b9ae9c", "#8a8172", "#655f55", "#4a453d", "#38342e",
    "#2c2a26", "#1d1b18", name="paper",
)  # fmt: skip


def theme() -> Base:
    """Fonts that are on the machine already: naming them as plain fonts keeps Gradio from loading any."""
    fonts = [
        Font(name) for name in ("Noto Sans CJK SC", "PingFang SC", "HarmonyOS Sans SC", "Microsoft YaHei", "sans-serif")
    ]
    return Base(primary_hue=JADE, secondary_hue=JADE, neutral_hue=PAPER, font=fonts, font_mono=[Font("monospace")]).set(
        body_background_fill="#fbf6ec",
        body_background_fill_dark="#fbf6ec",
        body_text_color="#2c2a26",
        body_text_color_dark="#2c2a26",
        body_text_size="20px",
    )
