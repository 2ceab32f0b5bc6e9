"""Reasons that the software gives by itself: in one language in the ledger, in the reader's on a page."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

SAME_DAY = "Another price was set for the same day."
_ALLOWS_NO_MORE = "Cost statement {number} allows no more."
_LOWERED = re.compile(r"Cost statement (?P<number>\d+) allows no more\.", re.ASCII)
_ENDS = (".", "!", "?", "…")


def allows_no_more(number: int) -> str:
    """Why a price was lowered to what a statement allows, as the ledger has it."""
    return _ALLOWS_NO_MORE.format(number=number)


def reason_told(reason: str) -> str:
    """What a person wrote stays as they wrote it."""
    if reason == SAME_DAY:
        return _("Another price was set for the same day.")
    found = _LOWERED.fullmatch(reason)
    if found is None:
        return reason
    return _("Cost statement %(number)s allows no more.") % {"number": found["number"]}


def full_stop(reason: str) -> str:
    """A reason as a sentence: people end theirs with a full stop, or do not."""
    return reason if reason.rstrip().endswith(_ENDS) else f"{reason}."
