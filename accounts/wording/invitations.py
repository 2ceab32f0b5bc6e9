"""How an invitation ended, as a sentence."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Invitation
from common import formats

Ending = Invitation.Ending


def ended(invitation: Invitation) -> str:
    name = {"name": invitation.project or invitation.organisation}
    sentences = {
        Ending.DECLINED: _("This invitation was declined."),
        Ending.WITHDRAWN: _("This invitation was withdrawn."),
        Ending.REPLACED: _("A newer invitation took the place of this one."),
        Ending.SENDER_GONE: _("Who sent this invitation may no longer invite to %(name)s.") % name,
    }
    return sentences[Ending(invitation.ending)]


def what_now(invitation: Invitation) -> str:
    """For the one it was sent to."""
    name = {"name": invitation.project or invitation.organisation}
    ask = _("Ask a lead of %(name)s for another one.") % name
    return _("Open the link of the newer mail.") if invitation.ending == Ending.REPLACED else ask


def ended_for_sender(invitation: Invitation, *, at: datetime) -> str:
    """For those who look for somebody: who did not come, and since when. Empty while it is open."""
    ends = {
        "open": "",
        "accepted": _("%(email)s accepted on %(day)s and leads it no longer."),
        "expired": _("%(email)s did not answer: the invitation expired on %(day)s."),
        Ending.DECLINED: _("%(email)s declined on %(day)s."),
        Ending.WITHDRAWN: _("The invitation to %(email)s was withdrawn on %(day)s."),
        Ending.REPLACED: _("A newer invitation took the place of the one to %(email)s on %(day)s."),
        Ending.SENDER_GONE: _(
            "The invitation to %(email)s ended on %(day)s: who sent it may no longer invite."
        ),
    }
    day = formats.long_day(invitation.accepted_at or invitation.revoked_at or invitation.expires_at)
    return ends[invitation.state(at)] % {"email": invitation.email, "day": day}
