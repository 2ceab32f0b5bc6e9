"""What every page knows: whether the world is real, the hour, where to go, how far the ledger is."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.models import User
from accounts.selectors.announcements import shown
from accounts.selectors.notices import unread
from accounts.selectors.security import has_second_factor
from common import clock
from ledger.models import Checkpoint

# Which pages belong under which heading of the masthead, by the names of their addresses.
SECTIONS = {
    "prices": "prices", "node": "prices", "electricity": "prices", "electricity_zones": "prices",
    "pricing_policy": "prices", "site_costs": "prices", "flags": "prices",
    "node_costs": "prices", "node_conformance": "prices", "node_settle": "prices", "how_costs_work": "prices",
    "compare": "prices", "market": "prices", "market_device": "prices",
    "book": "book", "book_preview": "book",
    "projects": "projects", "project": "projects", "apply": "projects", "application": "projects",
    "members": "projects", "member": "projects", "leave": "projects", "project_settings": "projects",
    "reservation": "projects", "decision": "projects",
    "fairness": "fairness", "policy": "fairness", "exceptions": "fairness",
    "ledger": "ledger", "ledger_entry": "ledger",
}  # fmt: skip

FOOTER_SECONDS = 5
PROVED_SECONDS = 300


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    is_current: bool = False
    count: int = 0


def site(request: HttpRequest) -> dict[str, Any]:
    """Lazy where it costs a query: a fragment for htmx has neither masthead nor footer."""
    now = clock.now()
    return {
        "is_example_world": settings.EXAMPLE_WORLD,
        "read_at": now,
        "headings": SimpleLazyObject(lambda: _headings(request)),
        "footer_links": SimpleLazyObject(_footer_links),
        "checkpoint": SimpleLazyObject(_checkpoint),
        "announcements": SimpleLazyObject(lambda: shown(now)),
        "unread": SimpleLazyObject(lambda: _unread(request)),
        "own_pages": SimpleLazyObject(lambda: _own_pages(request)),
        "lacks_second_factor": SimpleLazyObject(lambda: _lacks_second_factor(request)),
    }


def _headings(request: HttpRequest) -> list[Link]:
    match = request.resolver_match
    here = SECTIONS.get(match.url_name or "", "") if match else ""
    labels = {
        "prices": _("Prices"),
        "book": _("Book"),
        "projects": _("Projects"),
        "fairness": _("Fairness"),
        "ledger": _("Ledger"),
    }
    return [Link(link.label, link.url, here == name) for name, link in _existing(labels).items()]


def _footer_links() -> list[Link]:
    labels = {
        "open_data": _("Open data"),
        "api_docs": _("API"),
        "organisations": _("Organisations"),
        "rules": _("House rules"),
        "policy": _("Policy"),
        "status": _("Status"),
        "checkpoint": _("Signed checkpoint"),
        "accessibility": _("Accessibility"),
        "styleguide": _("Style guide"),
    }
    return list(_existing(labels).values())


def _existing(labels: dict[str, str]) -> dict[str, Link]:
    """The links whose pages this installation serves."""
    links = {}
    for name, label in labels.items():
        try:
            links[name] = Link(label, reverse(name))
        except NoReverseMatch:
            continue
    return links


@dataclass(frozen=True)
class Signed:
    """How far the ledger is, for the footer."""

    size: int
    root: str
    signed_at: datetime


def _checkpoint() -> Signed | None:
    """The newest checkpoint, at most FOOTER_SECONDS old: it stands on every page."""
    try:
        return cache.get_or_set("footer-checkpoint", _newest_checkpoint, FOOTER_SECONDS)
    except RedisError:  # the page matters more than its footer's speed
        return _newest_checkpoint()


def _newest_checkpoint() -> Signed | None:
    # Base64, as the checkpoint itself writes its root: what a reader compares is one text.
    newest = Checkpoint.objects.order_by("-size").values_list("size", "root", "signed_at").first()
    return Signed(newest[0], b64encode(newest[1]).decode(), newest[2]) if newest else None


def _unread(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return unread(user) if user is not None and user.is_authenticated else 0


def _own_pages(request: HttpRequest) -> list[Link]:
    """What stands in the menu of who is signed in."""
    labels = {
        "start": _("Start"),
        "notices": _("Inbox"),
        "me": _("Your account"),
        "security": _("Security"),
        "tokens": _("Tokens"),
        "data": _("Your data"),
    }
    if request.user.is_authenticated and request.user.is_steward:
        labels["steward"] = _("Steward")
    here = request.resolver_match.url_name if request.resolver_match else ""
    counts = {"notices": _unread(request)}
    return [
        Link(link.label, link.url, name == here, counts.get(name, 0))
        for name, link in _existing(labels).items()
    ]


def _lacks_second_factor(request: HttpRequest) -> bool:
    """On stewards' pages, which may be read without: better said before a form is filled in."""
    match = request.resolver_match
    if not match or not (match.url_name or "").startswith("steward"):
        return False
    user = request.user
    return bool(user.is_authenticated and user.is_steward and not _is_proved(user))


def _is_proved(user: User) -> bool:
    """A yes is remembered for a while: it changes what is said here, not what may be done."""
    key = f"second-factor-{user.pk}"
    try:
        if cache.get(key):
            return True
        is_proved = has_second_factor(user)
        if is_proved:
            cache.set(key, True, PROVED_SECONDS)
    except RedisError:
        return has_second_factor(user)
    return is_proved
