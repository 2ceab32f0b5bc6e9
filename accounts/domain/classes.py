"""Which classes of projects an organisation of each kind may vouch for."""

from __future__ import annotations

from datetime import timedelta

RESEARCH, STUDENT, CITIZEN = "research", "student", "citizen"
PUBLIC, STARTUP, INDUSTRY = "public", "startup", "industry"
# Nobody vouches for it: anybody's project may be so.
INDEPENDENT = "independent"

# A funder answers with its money for what it calls a class; a laboratory knows its own students.
VOUCHED_FOR: dict[str, frozenset[str]] = {
    "funder": frozenset({RESEARCH, STUDENT, CITIZEN, PUBLIC, STARTUP, INDUSTRY}),
    "lab": frozenset({RESEARCH, STUDENT}),
}
LONGEST = timedelta(days=3 * 365)  # then somebody looks at it again


def vouched_for_by(kind: str, *, is_verified: bool) -> frozenset[str]:
    """The classes that an organisation's leads may give; until it is verified its kind gives no right."""
    return (VOUCHED_FOR.get(kind, frozenset()) if is_verified else frozenset()) | {INDEPENDENT}
