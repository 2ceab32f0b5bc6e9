"""What can go wrong, as whole sentences for the owner of the node.

AgentError
├── StateError          the state folder is missing, taken or damaged
├── SiteAway            no answer, or one that says "later": try again
├── Refused             the site said no; `code` says why
├── LeaseRejected       a lease that must not be executed
│   └── LeaseForged     one that the site did not sign for this node, now: not even reported
│       └── LeaseUnsigned   not signed by the pinned key: the site may have another one by now
└── SandboxError        the sandbox could not be built
"""

from __future__ import annotations

from typing import Any

from equinode_agent.notes import Note, plain


class AgentError(Exception):
    """Anything the agent can explain."""


class StateError(AgentError):
    """The state folder is missing, in use by another agent, or damaged."""


class SiteAway(AgentError):
    """The site gave no usable answer; the same call may work later."""


class Refused(AgentError):
    """The site understood the call and refused it."""

    def __init__(self, message: str, *, status: int, code: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details


class LeaseRejected(AgentError):
    """The site signed this lease, but the agent will not execute it; it is reported as refused."""

    def __init__(self, why: Note | str) -> None:
        super().__init__(str(why))
        self.note = why if isinstance(why, Note) else plain(why)


class LeaseForged(LeaseRejected):
    """Wrong signature, another node's, or an old fence: ignored, since nothing in it can be trusted."""


class LeaseUnsigned(LeaseForged):
    """The signature does not verify under the pinned key."""


class SandboxError(AgentError):
    """The sandbox could not be built, or its gate did not open."""
