"""What an agent tells of a job's end, in the reader's language: codes of docs/agent-protocol.md, "Notes"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from common import formats


def end_notes(notes: Sequence[Mapping[str, Any]], text: str) -> str:
    """The notes as sentences; the agent's own words for a code that is not known here.

    `text` is all that an agent says who sends no codes.
    """
    return " ".join(_note(note) for note in notes) if notes else text


def _note(note: Mapping[str, Any]) -> str:
    """An agent is a stranger's program: what does not fit its code is told in the agent's own words."""
    word = _WORDS.get(note["code"])
    if word is None:
        return str(note["text"])
    try:
        return word(note["values"])
    except (KeyError, TypeError, ValueError):
        return str(note["text"])


def _bytes(values: Mapping[str, Any]) -> dict[str, str]:
    return {"limit": formats.size(int(values["limit"]))}


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "killed": lambda values: _("It went on after SIGTERM and was killed."),
    "processes": lambda values: _("It wanted more than the %(limit)s processes it may have.") % values,
    "site_away": lambda values: _("The site could not be reached, and the job asked to stop then."),
    "not_brought_back": lambda values: _("Not brought back: %(files)s.") % values,
    "not_brought_back_and_more": lambda values: _("Not brought back: %(files)s and %(more)s more.") % values,
    "bring_back_failed": lambda values: _("Its files could not be brought back: %(error)s.") % values,
    "not_taken": lambda values: _("The site did not take: %(files)s.") % values,
    "device_not_freed": lambda values: _("The job before on this device could not be removed in time."),
    "lease_ran_out": lambda values: _("The lease ran out before its job could start."),
    "agent_stopped": lambda values: _("The agent was stopped on the node."),
    "restarted": lambda values: _("The agent or the machine restarted while the job ran."),
    "checkpoint_unfetched": lambda values: (
        _("The site does not give the file %(file)s of its checkpoint.") % values
    ),
    "restarted_before_start": lambda values: _("The machine restarted before the job could start."),
    "owner_paused": lambda values: _("The owner has paused this node."),
    "owner_memory": lambda values: _("The owner allows at most %(limit)s of memory.") % _bytes(values),
    "owner_disk": lambda values: _("The owner allows at most %(limit)s of disk.") % _bytes(values),
    "owner_length": lambda values: _("The owner allows at most %(limit)s hours at a time.") % values,
    "owner_network": lambda values: _("The owner allows no network “%(network)s”.") % values,
    "owner_hours": lambda values: _("The owner does not allow jobs at these hours."),
    "no_device": lambda values: _("This machine has no %(kind)s %(index)s (%(model)s).") % values,
    "no_runner": lambda values: _("This agent has no runner “%(runner)s”.") % values,
    "no_network": lambda values: _("This agent gives no network “%(network)s”.") % values,
    "digest": lambda values: _("The job does not match its digest."),
    "image_name": lambda values: (
        _("“%(image)s” does not name an image as registry/name@sha256:digest.") % values
    ),
    "no_image": lambda values: _("The image %(image)s could not be fetched: %(error)s") % values,
    "image_unfetched": lambda values: _("The node could not fetch the image %(image)s: %(error)s") % values,
    "image_digest": lambda values: (
        _("What the registry has as %(image)s does not have this digest.") % values
    ),
    "image_late": lambda values: _("The image %(image)s was not there before the end of the slot.") % values,
    "image_size": lambda values: (
        _("The image %(image)s takes more than the %(limit)s that the owner allows.")
        % {"image": values["image"], **_bytes(values)}
    ),
    "image_shell": lambda values: _("The image %(image)s has no /bin/sh, which runs the job.") % values,
    "disk_low": lambda values: (
        _("The disk of this machine is too full to fetch the image %(image)s.") % values
    ),
    "owner_image": lambda values: _("The owner does not allow the image %(image)s.") % values,
    "owner_power": lambda values: (
        _("The owner allows at most %(limit)s W for a GPU, and its limit is %(actual)s W.") % values
    ),
}
