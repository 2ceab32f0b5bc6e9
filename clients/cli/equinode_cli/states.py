"""States of slots, runs and tokens as people read them; with --json programs read the site's own words."""

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
}


def name_of(state: str) -> str:
    return _NAMES.get(state, state)
