"""Notices as sentences, in the language and time zone that are active: for pages, programs and mail."""

from __future__ import annotations

from collections.abc import Mapping

from django.template import Context
from django.template.loader import get_template
from django.utils.translation import gettext_lazy as _

from accounts.domain.notices import Group, decoded
from common.lines import on_one_line

GROUPS = {
    Group.RESERVATIONS: _("Slots and jobs"),
    Group.PROJECTS: _("Projects and who belongs to them"),
    Group.MONEY: _("Grants"),
    Group.ORGANISATIONS: _("Organisations"),
    Group.NODES: _("Your nodes and their prices"),
    Group.ACCOUNT: _("Your account"),
    Group.STEWARDS: _("For stewards"),
}

# What each kind is about, for who decides whether it shall come by mail.
SENTENCES = {
    "slot_starting": _("A slot that you booked begins soon."),
    "job_ended": _("A job of yours ended, and how."),
    "job_lost": _("A job of yours was lost with its node."),
    "slot_cancelled": _("Somebody else cancelled a slot that you booked."),
    "slot_withdrawn": _("A slot that you booked can no longer be had."),
    "slot_taken_back": _("The owner of a node takes back a slot that you booked there."),
    "slot_changed": _("Somebody else changed a slot that you booked, or it was released as you asked."),
    "slot_handed_over": _("A slot was handed over to you, or somebody handed yours over."),
    "no_show_warning": _("Nobody seems to use a slot of yours that has begun."),
    "no_show_judged": _("A slot of yours was released because nobody came, or could not be judged."),
    "no_show_answered": _("A steward answers your appeal against a no-show."),
    "slot_settled": _("What a slot costs that you cancelled late or released early."),
    "invitation_received": _("Somebody invites you. The invitation itself is always mailed."),
    "invitation_answered": _("Somebody whom you invited answers."),
    "invitations_withdrawn": _("Somebody stops leading what you lead, and their invitations end with that."),
    "application_answered": _("A steward answers your application."),
    "role_changed": _("Your role in a project or an organisation was changed."),
    "member_removed": _("Your membership of a project or an organisation was ended."),
    "project_suspended": _("A project of yours is suspended."),
    "project_resumed": _("A project of yours may book again."),
    "project_moved": _("A project that you lead gets another account or other shares."),
    "exception_granted": _("A project of yours is given an exception to the policy."),
    "exception_ended": _("An exception to the policy for a project of yours is ended early."),
    "project_expiring": _("A project that you lead ends in 14 days."),
    "class_ended": _("The class of a project that you lead is over."),
    "grant_received": _("A project that you lead is given a grant."),
    "grant_used": _("80 % or all of a grant is used, in a project that you lead."),
    "organisation_decided": _("A steward has looked at an organisation that you lead."),
    "price_exception_granted": _("A node of yours may cost more than the cap allows."),
    "price_exception_ended": _("An exception to the cap for a node of yours is ended early."),
    "price_lowered": _("A price of yours was lowered to what a cost statement allows."),
    "price_called_off": _("An announced price of yours was called off."),
    "price_above_cap": _("A price of yours lies above the cap."),
    "statement_to_review": _("A cost statement of yours counts a year that is over."),
    "account_given": _(
        "An organisation that you lead is given an account of the share tree, or its shares change."
    ),
    "token_created": _("A token was made for your account."),
    "token_expiring": _("A token of yours ends in 7 days."),
    "sign_in_changed": _("How you sign in was changed. The change itself is always mailed."),
    "rules_changed": _("The house rules have changed."),
    "application_received": _("Somebody applies for a project or a class."),
    "organisation_registered": _("Somebody registers an organisation."),
    "no_show_appealed": _("Somebody appeals against a no-show."),
}


def title(kind: str, params: Mapping[str, object]) -> str:
    """On one line, whatever stands in a name: it becomes the subject of a mail."""
    return on_one_line(_text(f"notices/{kind}/title.txt", params))


def body(kind: str, params: Mapping[str, object]) -> str:
    """Paragraphs with an empty line between them, as plain text: whoever makes HTML of it escapes it."""
    return _text(f"notices/{kind}/body.txt", params).strip()


def _text(template: str, params: Mapping[str, object]) -> str:
    # Only the engine's own template can leave out the escaping, which plain text must not have.
    plain = get_template(template).template  # type: ignore[attr-defined]
    return str(plain.render(Context(decoded(params), autoescape=False)))
