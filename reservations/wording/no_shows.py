"""What is said of a slot that nobody seemed to use, and on which facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _, ngettext

from common import formats
from nodes.models import Lease
from reservations.models import NoShow


def label(no_show: NoShow) -> tuple[str, str]:
    """The verdict as a tag, with its tone."""
    if no_show.judged_at is None:
        return _("Not judged yet"), "warn"
    if no_show.verdict is None:
        return _("Not judged"), ""
    return (_("No-show"), "bad") if no_show.verdict else (_("No no-show"), "good")


def reason(no_show: NoShow) -> str:
    """Why it was judged so."""
    sentences = {
        "": _("No job ran in it and nobody said that they use it. It is judged soon."),
        NoShow.Reason.UNUSED: _("No job ran in it, and nobody said that they use it."),
        NoShow.Reason.RUN: _("A job ran in it."),
        NoShow.Reason.CHECKED_IN: _("Somebody said that they use it."),
        NoShow.Reason.UPHELD: _("An appeal was upheld: it counts against nobody."),
        NoShow.Reason.NODE_FAULT: _("The node refused or lost a job, or was taken away: nobody is to blame."),
        NoShow.Reason.NODE_AWAY: _("A node did not answer, so nothing can be said."),
        NoShow.Reason.QUEUED: _("A job was waiting for the node: that is not staying away."),
        NoShow.Reason.GIVEN_UP: _("It was given back before it was judged."),
        NoShow.Reason.SUSPENDED: _("The project is suspended: no job of it starts."),
        NoShow.Reason.NOT_WARNED: _("Nobody was warned in time, so nobody is blamed."),
    }
    return sentences[no_show.reason]


def appeal(no_show: NoShow) -> str:
    """What became of an appeal, in a word or two; empty where there is none."""
    if no_show.appealed_at is None:
        return ""
    if no_show.answered_at is None:
        return _("Waits for an answer")
    return _("Upheld") if no_show.is_upheld else _("Not upheld")


def facts(no_show: NoShow) -> Iterator[tuple[str, str]]:
    """What was looked at, line by line."""
    kept = no_show.evidence
    if no_show.warned_at is not None:
        yield _("Warned"), formats.moment(no_show.warned_at)
    if not kept:
        return
    yield _("Looked at"), _moment(kept["looked_at"])
    yield _("Said to be in use"), _moment(kept["checked_in_at"]) or _("No")
    yield _("Jobs"), _jobs(kept["runs"])
    if kept.get("ran_until_here_at"):
        yield _("Job in the slot before"), _("Ran until its end")
    for node in kept["nodes"]:
        heard = _moment(node["heard_at"])
        yield _("%(node)s last answered") % {"node": node["name"]}, heard or _("Never")
    if no_show.released_at is not None:
        yield _("Released"), formats.moment(no_show.released_at)


def _jobs(runs: list[dict[str, Any]]) -> str:
    if not runs:
        return _("None was queued")
    started = sum(run["started_at"] is not None for run in runs)
    said = ngettext("%(count)d queued, %(started)d ran", "%(count)d queued, %(started)d ran", len(runs))
    text = said % {"count": len(runs), "started": started}
    ends = {run["end_reason"] for run in runs if run["end_reason"]}
    labels = [str(Lease.EndReason(one).label) for one in sorted(ends)]
    return f"{text} ({', '.join(labels)})" if labels else text


def _moment(text: str | None) -> str:
    return "" if text is None else formats.moment(datetime.fromisoformat(text))
