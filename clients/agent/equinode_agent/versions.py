"""Which versions of the protocol this agent and a site can speak to each other."""

from __future__ import annotations

import re

from equinode_agent.errors import Refused

# Sent with every call and answer. Who does not send it speaks 1.0.
HEADER = "Equinode-Protocol"
SPOKEN = (1, 1)
UNTOLD = "1.0"
_WRITTEN = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


def spoken() -> str:
    return "{}.{}".format(*SPOKEN)


def require(told: str | None, *, status: int) -> None:
    """Refused unless the site's version is at most one minor away: another major may mean anything."""
    told = UNTOLD if told is None else told.strip()
    found = _WRITTEN.fullmatch(told)
    theirs = (int(found[1]), int(found[2])) if found else None
    if theirs is None or theirs[0] != SPOKEN[0] or abs(theirs[1] - SPOKEN[1]) > 1:
        raise Refused(
            f"The site speaks version {told[:20]} of the agent protocol, this agent {spoken()}. "
            "Nothing new is taken until one of them is updated; what was taken is finished and kept.",
            status=status,
            code="protocol_unsupported",
            details={},
        )
