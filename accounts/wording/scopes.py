"""What each scope of a token allows, in a sentence."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.domain import scopes

SENTENCES = {
    scopes.READ: _("See projects, reservations, jobs, their logs and files."),
    scopes.BOOK: _("Book slots and cancel them."),
    scopes.RUN: _("Queue jobs in booked slots and stop them."),
    scopes.PROJECTS: _("Apply for projects, invite members and change what they may do."),
    scopes.ME: _("See and change your name, language and time zone; export your data."),
    scopes.NOTICES: _("Read your notices and mark them as read."),
    scopes.ORGANISATIONS: _("Register organisations, invite colleagues and open projects in their share."),
    scopes.GRANTS: _("See and make the funding lines and grants of your organisations."),
    scopes.NODES: _("Declare what your organisations’ nodes cost and publish their prices."),
    scopes.TOKENS: _("See and revoke your tokens, and make tokens that may do no more than this one."),
    scopes.STEWARD: _("Do what stewards do. Works for stewards alone."),
}
