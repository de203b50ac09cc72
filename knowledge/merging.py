"""What operators changed in the corpus folder, taken into content that staff changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assistant.errors import ConflictError

Prefer = Literal["", "folder", "staff"]


def taken_in(
    seen: Mapping[str, str], folder: Mapping[str, str], staff: Mapping[str, str], prefer: Prefer = ""
) -> dict[str, str]:
    """``staff``'s files with what changed from ``seen`` to ``folder`` (all: name to digest).

    ``seen`` is the folder as the current release took it in. A file that both changed is a ConflictError, unless
    one side is preferred.
    """
    out, both = dict(staff), []
    for name in sorted({*seen, *folder}):
        before, now, theirs = seen.get(name), folder.get(name), staff.get(name)
        if now in (before, theirs):
            continue  # the folder did not change it, or to the same
        if theirs != before and prefer != "folder":
            if prefer != "staff":
                both.append(name)
            continue
        if now is None:
            out.pop(name, None)
        else:
            out[name] = now
    if both:
        raise ConflictError(
            f"Changed both in the corpus folder and by staff: {', '.join(both)}. Nothing was published.",
            "Publish with --prefer folder or --prefer staff, or make the folder's file like the published one "
            "(`jiamenkou export` writes it).",
        )
    return out
