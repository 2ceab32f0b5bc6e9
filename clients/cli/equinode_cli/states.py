"""States, roles and classes as people read them; with --json programs read the site's own words."""

from __future__ import annotations

from equinode_cli.words import _

# In English the words that --state takes.
_NAMES = {
    "booked": _("booked"),
    "cancelled": _("cancelled"),
    "queued": _("queued"),
    "leased": _("leased"),
    "waiting": _("waiting"),
    "staged": _("staged"),
    "running": _("running"),
    "ended": _("ended"),
    "lost": _("lost"),
    "not_run": _("not run"),
    "live": _("live"),
    "expired": _("expired"),
    "revoked": _("revoked"),
    # roles
    "lead": _("lead"),
    "member": _("member"),
    # classes of projects
    "research": _("research"),
    "student": _("student"),
    "citizen": _("citizen"),
    "public": _("public service"),
    "startup": _("start-up"),
    "industry": _("industry"),
    "independent": _("independent"),
}


def name_of(word: str) -> str:
    return _NAMES.get(word, word)
