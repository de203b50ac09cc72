"""The four-eyes rule: whoever made a change doesn't approve it."""

from __future__ import annotations

from collections.abc import Collection

from assistant.errors import FourEyesError
from assistant.staff.audit import AuditLog
from assistant.staff.values import Person


class FourEyes:
    """Asked before an approval; ``required`` is the setting."""

    def __init__(self, audit: AuditLog, required: bool) -> None:
        self._audit = audit
        self.required = required

    def allows(self, person: Person, authors: Collection[int]) -> bool:
        """Whether ``person`` may approve what ``authors`` (account ids) made; a change of nobody's can't be approved."""
        return not self.required or (bool(authors) and person.id not in authors)

    def approve(self, person: Person, authors: Collection[int], target: str) -> None:
        """Write the approval down, or the try; raises FourEyesError when another person has to approve."""
        written = {"authors": sorted(authors), "four_eyes": self.required}
        if not self.allows(person, authors):
            self._audit.write(person.who, "approval.refused", target, after=written)
            raise FourEyesError(
                "four-eyes", "Whoever made a change doesn't approve it.", "Ask a colleague to review it."
            )
        self._audit.write(person.who, "approval.given", target, after=written)
