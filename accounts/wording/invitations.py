"""How an invitation ended that nobody accepted, as a sentence."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Invitation

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
