"""Serves 小沪: the drawing, the scripts that move it, and a page to try them on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import FastAPI, HTTPException, Request, Response

HERE = Path(__file__).resolve().parent
SCRIPT = "text/javascript"
# A face file may be kept, but is asked for again each time: an update shows at once and costs one short answer.
CACHING = "public, no-cache"
FILES: Final[dict[str, str]] = {  # file name: media type
    "xiaohu.svg": "image/svg+xml",
    **{
        f"{name}.js": SCRIPT
        for name in ("avatar", "registry", "xiaohu", "plain", "rig", "motion", "mouth", "monitor", "demo")
    },
    "demo.css": "text/css",
}


def add_avatar(app: FastAPI) -> None:
    """Serve ``FILES`` at ``/ui/avatar/NAME`` and the page ``/ui/avatar/demo``. Call it before Gradio takes ``/``."""

    def send(request: Request, name: str, media_type: str) -> Response:
        content = (HERE / name).read_bytes()
        tag = f'"{sha256(content).hexdigest()[:20]}"'
        headers = {"ETag": tag, "Cache-Control": CACHING}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    @app.get("/ui/avatar/demo", include_in_schema=False)
    def demo(request: Request) -> Response:
        return send(request, "demo.html", "text/html")

    @app.get("/ui/avatar/{name}", include_in_schema=False)
    def file(request: Request, name: str) -> Response:
        if name not in FILES:
            raise HTTPException(404)
        return send(request, name, FILES[name])
