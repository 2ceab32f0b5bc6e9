"""On the way to a listed node: its places, its agent, and which step is next."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import Organisation
from common import formats
from nodes.models import Agent, Node, Site
from nodes.selectors import is_recent
from nodes.services import site_keys
from reservations.selectors.steps import Step

_LONGEST = 44  # letters of an address, and room for a number after them


@dataclass(frozen=True)
class AgentState:
    """The program on the node, or that there is none."""

    version: str
    enrolled_at: datetime
    last_seen_at: datetime | None
    age: timedelta | None
    is_answering: bool
    fingerprint: str  # SHA-256 of its public key

    @property
    def label(self) -> str:
        if self.is_answering:
            return _("Answers")
        return _("Silent") if self.last_seen_at else _("Has not called yet")

    @property
    def tone(self) -> str:
        return "good" if self.is_answering else "bad" if self.last_seen_at else "info"


def sites(organisation: Organisation) -> list[Site]:
    """Where this owner's nodes stand, then all other places."""
    own = set(Node.objects.filter(owner=organisation).values_list("site", flat=True))
    return sorted(Site.objects.all(), key=lambda site: (site.pk not in own, site.name))


def usual_site(organisation: Organisation) -> str:
    """Where the newest of this owner's nodes stands; empty for the first one."""
    newest = Node.objects.filter(owner=organisation).order_by("-pk").values_list("site__slug", flat=True)
    return newest.first() or ""


def free_address(name: str) -> str:
    """The name of a place as an address; with a number where another has it."""
    wanted = slugify(name)[:_LONGEST].strip("-") or "site"
    taken = set(Site.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    if wanted not in taken:
        return wanted
    return next(slug for number in range(2, len(taken) + 3) if (slug := f"{wanted}-{number}") not in taken)


def steps_of(node: Node | None, agent: AgentState | None) -> tuple[Step, ...]:
    """Name and place, agent, devices, cost: what is behind, what is now, what comes."""
    is_draft = node is None or node.state == Node.State.DRAFT
    done = (node is not None, agent is not None or not is_draft, not is_draft, False)
    names = (_("Name and place"), _("Agent"), _("Devices"), _("Cost and price"))
    notes = (
        node.site.name if node is not None else "",
        _("version %s") % agent.version if agent is not None else "",
        formats.moment(node.listed_at) if node is not None and not is_draft else "",
        _("then people can book"),
    )
    first = done.index(False)
    return tuple(
        Step(name, "done" if is_done else "now" if place == first else "next", note)
        for place, (name, is_done, note) in enumerate(zip(names, done, notes, strict=True))
    )


def agent_state(*, node: Node, at: datetime) -> AgentState | None:
    agent = Agent.objects.filter(node=node, revoked_at=None).defer("inventory").first()
    if agent is None:
        return None
    seen = agent.last_seen_at
    return AgentState(
        version=agent.version,
        enrolled_at=agent.enrolled_at,
        last_seen_at=seen,
        age=None if seen is None else at - seen,
        is_answering=is_recent(seen, at),
        fingerprint=_fingerprint(agent.public_key),
    )


def site_fingerprint() -> str:
    """SHA-256 of the key that signs leases, as `equinode-agent enrol --fingerprint` takes it."""
    return _fingerprint(site_keys.public())


def _fingerprint(public_key: str) -> str:
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()
