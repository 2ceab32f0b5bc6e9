"""This app's part in a person's data: the person, what they belong to, how they sign in."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import (
    ApiToken,
    HouseRulesAcceptance,
    IdempotentAnswer,
    Invitation,
    MailPreference,
    Notice,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    User,
)
from accounts.selectors import own_data as selectors
from accounts.services import withdrawing
from accounts.services.own_data import mentions
from accounts.services.own_data.parts import Part, Stop
from accounts.services.sessions import end_all_sessions


def _goes(user: User) -> list[str]:
    sentences = [
        _("Your name, your e-mail address, your password, passkeys and other means of signing in."),
        _("Your sessions, tokens, notices and what you chose to be mailed."),
        _("Your place in projects and organisations."),
    ]
    names = ", ".join(selectors.projects_alone(user).values_list("name", flat=True))
    if names:
        sentences.append(_("Projects that nobody else belongs to are closed: %(names)s.") % {"names": names})
    return sentences


def _stays(user: User) -> list[str]:
    sentences = [_("A row without name and address, so that what others rely on still refers to somebody.")]
    if user.steward_acts.exists():
        sentences.append(_("What stewards did about your account, with their reasons: they answer for it."))
    return sentences


def _lock(user: User) -> None:
    """Projects, organisations, the person: in the order in which everybody takes them."""
    projects: QuerySet[Project] = Project.objects.filter(memberships__user=user)
    list(Project.objects.select_for_update(no_key=True).filter(pk__in=projects.values("pk")).order_by("pk"))
    led: QuerySet[Organisation] = Organisation.objects.filter(memberships__user=user)
    list(Organisation.objects.select_for_update(no_key=True).filter(pk__in=led.values("pk")).order_by("pk"))
    # All stewards where one of them leaves: two at once would each take the other for the one who stays.
    people = Q(pk=user.pk)
    if user.is_steward:
        people |= Q(is_steward=True, is_active=True)
    # Not no_key: whoever is about to write something that refers to this person waits, and is waited for.
    list(User.objects.select_for_update().filter(people).order_by("pk"))


def _stops(user: User, at: datetime) -> list[Stop]:
    stops = [
        Stop(
            _("You are the only lead of %(name)s, which has other members. Make one of them a lead first.")
            % {"name": project},
            f"{project.get_absolute_url()}members/",
        )
        for project in selectors.projects_led_alone(user)
    ]
    stops += [
        Stop(
            _("You are the only lead of %(name)s. Invite a colleague and make them a lead first.")
            % {"name": organisation},
            f"{organisation.get_absolute_url()}members/",
        )
        for organisation in selectors.organisations_led_alone(user)
    ]
    others = User.objects.filter(is_steward=True, is_active=True).exclude(pk=user.pk)
    if user.is_steward and not others.exists():
        said = _("You are the only steward of this site. Make somebody else one first.")
        stops.append(Stop(said, reverse("admin:accounts_user_changelist")))
    return stops


def _erase(user: User, at: datetime) -> None:
    addresses = _addresses(user)
    alone = list(selectors.projects_alone(user))
    names = [*addresses, user.name, *(project.name for project in alone)]
    mentions.forget_in_log(user=user, names=[name for name in names if name], projects=alone)
    closed = {project.name: _("Closed project") for project in alone}
    mentions.forget_in_notices(user=user, addresses=addresses, closed=closed)
    _forget_entrances(user)
    withdrawing.person_closed(person=user, at=at)  # while it is known what they lead
    _leave(user, alone, at)
    _forget_invitations(user, addresses)
    for model in (IdempotentAnswer, Notice, MailPreference, HouseRulesAcceptance):
        model.objects.filter(user=user).delete()
    _forget_person(user, at)


def _addresses(user: User) -> list[str]:
    """The longest first: one may be the end of another."""
    addresses = set(EmailAddress.objects.filter(user=user).values_list("email", flat=True)) | {user.email}
    return sorted(addresses, key=len, reverse=True)


def _forget_entrances(user: User) -> None:
    end_all_sessions(user=user)
    ApiToken.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    SocialAccount.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()


def _leave(user: User, alone: list[Project], at: datetime) -> None:
    """Out of everything; what was theirs alone is closed and loses the name they gave it."""
    for project in alone:
        mentions.close_in_notices(project=project, name=_("Closed project"))
        project.name = _("Closed project")
        project.slug, project.summary = f"closed-{project.uid.hex}", ""
        project.expires_at = min(project.expires_at, at) if project.expires_at else at
        project.save(update_fields=["name", "slug", "summary", "expires_at"])
    # A closed project keeps its one member: its books are somebody's, and nobody can open it any more.
    ProjectMembership.objects.filter(user=user).exclude(project__in=alone).delete()
    OrganisationMembership.objects.filter(user=user).delete()


def _forget_invitations(user: User, addresses: list[str]) -> None:
    to_them = Q(accepted_by=user)
    for address in addresses:
        to_them |= Q(email__iexact=address)
    Invitation.objects.filter(to_them).delete()


def _forget_person(user: User, at: datetime) -> None:
    user.email, user.name = f"{user.uid}@erased.invalid", ""
    user.set_unusable_password()
    user.is_active = user.is_staff = user.is_steward = user.is_superuser = False
    user.last_login, user.erased_at = None, at
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


PART = Part(
    app="accounts", sections=selectors.own_data, goes=_goes, stays=_stays, lock=_lock, stops=_stops,
    erase=_erase,
)  # fmt: skip
