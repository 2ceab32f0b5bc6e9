"""The rules about people, projects and organisations that views stand behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _, gettext_noop

from accounts.domain import house_rules
from accounts.models import (
    ApiToken,
    Invitation,
    Notice,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    User,
)
from accounts.selectors.house_rules import has_accepted
from accounts.selectors.security import has_second_factor
from accounts.services.invitations import by_link, is_addressed_to
from common.access import (
    ANYONE as ANYONE,
    Admit,
    FirstElsewhere,
    NotAllowed,
    Rule,
    SignInNeeded,
    Verdict,
    Who,
    row as row,
    without,
)

_A, _S, _F, _H = Verdict.ALLOWED, Verdict.SIGN_IN, Verdict.FORBIDDEN, Verdict.HIDDEN


def person(request: HttpRequest) -> User:
    """Who is signed in; SignInNeeded where nobody is."""
    if not request.user.is_authenticated:
        raise SignInNeeded(_("Sign in first."))
    return request.user


def _signed_in(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    person(request)
    return kwargs


def _with_token(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Only the API has tokens: there `auth` is what a request was sent with."""
    person(request)
    if getattr(request, "auth", None) is None:
        raise NotAllowed(
            _("Use a token with the scope “me”, or the page “Your data”, which asks who you are.")
        )
    return kwargs


def _steward(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    if not person(request).is_steward:
        raise Http404  # what stewards do is nobody else's business
    return kwargs


SIGNED_IN = Rule("signed in", gettext_noop("Who is signed in"), row(_S, _A, _A, _A, _A, _A, _A), _signed_in)
# A session that somebody left open does not get everything: its page asks for the password once more.
WITH_TOKEN = Rule(
    "with a token",
    gettext_noop("Whose token it is sent with; a session gets 403"),
    SIGNED_IN.verdicts,
    _with_token,
)
STEWARD = Rule("steward", gettext_noop("Stewards"), row(_S, _H, _H, _H, _H, _H, _A), _steward)


def _steward_acts(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = _steward(request, kwargs)
    if not has_second_factor(person(request)):
        raise NotAllowed(
            _("What stewards do needs a second factor: add a passkey or codes from an app under Security.")
        )
    return admitted


# What changes something for other people.
STEWARD_ACTS = Rule(
    "steward acts",
    gettext_noop("Stewards with a second factor"),
    row(_S, _H, _H, _H, _H, _H, _A),
    _steward_acts,
)


class RulesNotAccepted(FirstElsewhere):
    code = "rules_not_accepted"


def agreed(rule: Rule) -> Rule:
    """The same rule for who acts: whoever has not accepted the house rules in force reads them first."""

    def admit(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
        admitted = rule.admit(request, kwargs)
        if not has_accepted(person(request)):
            raise RulesNotAccepted(
                _("Accept the house rules first: version %(version)s is in force.")
                % {"version": house_rules.CURRENT.number},
                url="/welcome/", version=house_rules.CURRENT.number,
            )  # fmt: skip
        return admitted

    said = f"{rule.said}, with the house rules accepted"
    return Rule(f"{rule.name}, rules accepted", said, rule.verdicts, admit)


Found = Callable[[HttpRequest, dict[str, Any]], tuple[Any, str]]


def _project(request: HttpRequest, kwargs: dict[str, Any]) -> tuple[Project, str]:
    """The person's project of that slug, with the role they have in it: one query."""
    memberships = ProjectMembership.objects.select_related("project__organisation")
    user = person(request)
    found = memberships.filter(user.within("project"), user=user, project__slug=kwargs["slug"]).first()
    if found is None:
        raise Http404
    return found.project, found.role


def _organisation(request: HttpRequest, kwargs: dict[str, Any]) -> tuple[Organisation, str]:
    memberships = OrganisationMembership.objects.select_related("organisation")
    found = memberships.filter(user=person(request), organisation__slug=kwargs["slug"]).first()
    if found is None:
        raise Http404
    return found.organisation, found.role


def _member(given: str, find: Found) -> Admit:
    """From `slug` to `given`, for whoever belongs to it."""

    def admit(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
        group, _role = find(request, kwargs)
        return {**without("slug", kwargs), given: group}

    return admit


def _lead(given: str, find: Found) -> Admit:
    """From `slug` to `given`, for whoever leads it."""

    def admit(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
        group, role = find(request, kwargs)
        if role != ProjectMembership.Role.LEAD:
            raise NotAllowed(_("Only leads of %(name)s may do this.") % {"name": group})
        return {**without("slug", kwargs), given: group}

    return admit


# The table's rows of what belongs to a project or an organisation. Its member and lead are that one's own.
MEMBERS, LEADS = row(_S, _H, _A, _A, _H, _H, _H), row(_S, _H, _F, _A, _H, _H, _H)
PROJECT_MEMBER = Rule(
    "project member", gettext_noop("Members of the project"), MEMBERS, _member("project", _project)
)
PROJECT_LEAD = Rule("project lead", gettext_noop("Leads of the project"), LEADS, _lead("project", _project))
ORGANISATION_MEMBER = Rule(
    "organisation member",
    gettext_noop("Members of the organisation"),
    MEMBERS,
    _member("organisation", _organisation),
)
ORGANISATION_LEAD = Rule(
    "organisation lead",
    gettext_noop("Leads of the organisation"),
    LEADS,
    _lead("organisation", _organisation),
)


def _funder(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = ORGANISATION_LEAD.admit(request, kwargs)
    organisation: Organisation = admitted["organisation"]
    if organisation.kind != Organisation.Kind.FUNDER:
        raise NotAllowed(_("%(name)s is not a funder.") % {"name": organisation})
    if organisation.verified_at is None:
        raise NotAllowed(
            _("%(name)s is not verified yet: a steward looks at it first.") % {"name": organisation}
        )
    return admitted


FUNDER = Rule(
    "funder",
    gettext_noop("Leads of the funder, once it is verified"),
    row(_S, _H, _F, _A, _H, _A, _H),
    _funder,
)


def _organisation_page(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What is not verified is shown to its own people and to stewards: anybody could have written it."""
    found = Organisation.objects.filter(slug=kwargs["slug"]).first()
    if found is None:
        raise Http404
    reader = request.user
    if found.verified_at is None and not (
        reader.is_authenticated and (reader.is_steward or found.memberships.filter(user=reader).exists())
    ):
        raise Http404
    return {**without("slug", kwargs), "organisation": found}


ORGANISATION_PAGE = Rule(
    "organisation page",
    gettext_noop("Everybody, once it is verified; before, its members and stewards"),
    row(_A, _A, _A, _A, _A, _A, _A),
    _organisation_page,
)


def _is_within(invitation: Invitation, user: User) -> bool:
    """A token for one project joins no other."""
    return user.only_project_id in (None, invitation.project_id)


def _invitee(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """None for everybody but the addressee: the page then says the same as for a link that never was."""
    user = person(request)
    found = by_link(kwargs["token"]).select_related("project", "organisation", "invited_by").first()
    if found is not None and not (is_addressed_to(found, user) and _is_within(found, user)):
        found = None
    return {**without("token", kwargs), "invitation": found, "secret": kwargs["token"]}


# From `token` to `invitation` and `secret`. The view answers 404 where `invitation` is None.
INVITEE = Rule(
    "invitee",
    gettext_noop("Who has the address that the invitation was sent to"),
    row(_S, _H, _H, _H, _H, _H, _H),
    _invitee,
)


Things = Callable[[User], QuerySet[Any]]


def own(
    name: str,
    said: str,
    things: Things,
    *,
    argument: str,
    given: str,
    field: str = "uid",
    verdicts: Mapping[Who, Verdict] = row(_S, _H, _A, _H, _H, _H, _H),
) -> Rule:
    """The rule of what is within a person's reach: nobody else is told that it exists.

    From `argument` of the address to `given` for the view. In its row the thing is the member's, unless
    `verdicts` says otherwise.
    """

    def admit(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
        found = get_object_or_404(things(person(request)), **{field: kwargs[argument]})
        return {**without(argument, kwargs), given: found}

    return Rule(name, said, verdicts, admit)


TOKEN_HOLDER = own(
    "token holder",
    gettext_noop("Whose token it is"),
    lambda user: ApiToken.objects.of(user).select_related("project"),
    argument="uid",
    given="token",
)
NOTICE_READER = own(
    "notice reader",
    gettext_noop("Who is told"),
    lambda user: Notice.objects.of(user),
    argument="uid",
    given="notice",
)
SESSION_HOLDER = own(
    "session holder",
    gettext_noop("Whose session it is"),
    lambda user: UserSession.objects.filter(user=user),
    argument="session_id",
    given="session",
    field="pk",
)
