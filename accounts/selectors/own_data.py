"""What this app keeps of a person, and what hangs on them alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.db.models import Count, F, Q, QuerySet

from accounts.models import (
    ApiToken,
    HouseRulesAcceptance,
    Invitation,
    MailPreference,
    Notice,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    StewardAct,
    User,
)

Sections = Mapping[str, Mapping[str, Any] | Iterable[Mapping[str, Any]]]


def own_data(user: User) -> Sections:
    """Everything of this app about a person. Secrets are not told, not even their hashes."""
    return {
        "person": {
            "uid": user.uid, "name": user.name, "email": user.email, "language": user.language,
            "time_zone": user.time_zone, "joined_at": user.date_joined, "last_sign_in_at": user.last_login,
            "has_password": user.has_usable_password(), "is_steward": user.is_steward,
            "is_staff": user.is_staff,
        },
        "email_addresses": _rows(EmailAddress.objects.filter(user=user), "email", "verified", "primary"),
        "house_rules_accepted": _rows(
            HouseRulesAcceptance.objects.filter(user=user), "version", "digest", "accepted_at"
        ),
        "means_of_signing_in": _authenticators(user),
        "sign_in_providers": _rows(
            SocialAccount.objects.filter(user=user), "provider", "date_joined", "last_login"
        ),
        "sessions": _rows(
            UserSession.objects.filter(user=user), "created_at", "last_seen_at", "ip", "user_agent"
        ),
        "projects": _rows(
            ProjectMembership.objects.filter(user=user),
            "role", "monthly_cap", "joined_at",
            uid="project__uid", slug="project__slug", name="project__name",
        ),
        "organisations": _rows(
            OrganisationMembership.objects.filter(user=user),
            "role", "joined_at",
            uid="organisation__uid", slug="organisation__slug", name="organisation__name",
        ),
        "invitations": _rows(
            Invitation.objects.filter(Q(invited_by=user) | Q(accepted_by=user) | Q(email__iexact=user.email)),
            "uid", "email", "role", "created_at", "expires_at", "accepted_at", "revoked_at", "ending", "mail",
            "mailed_at", to_project="project__name", to_organisation="organisation__name",
        ),
        "tokens": _rows(
            ApiToken.objects.filter(user=user),
            "uid", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at",
            only_project="project__slug",
        ),
        "notices": _rows(
            Notice.objects.filter(user=user),
            "uid", "kind", "params", "url", "created_at", "read_at", "mail", "mailed_at",
        ),
        "mail_preferences": _rows(MailPreference.objects.filter(user=user), "kind", "by_mail"),
        "acts_of_stewards": _rows(StewardAct.objects.filter(person=user), "uid", "act", "reason", "at"),
        "work_in_the_admin": _rows(
            LogEntry.objects.filter(user=user), "action_time", "object_repr", "change_message"
        ),
    }  # fmt: skip


def _rows(rows: QuerySet[Any], *columns: str, **called: str) -> Iterator[dict[str, Any]]:
    """`called` are columns of other tables, under the name that people read them by."""
    # Under a name that no column has: a row has a `name` or a `uid` of its own.
    others = {f"_{name}": F(column) for name, column in called.items()}
    for row in rows.order_by("pk").annotate(**others).values(*others, *columns).iterator(chunk_size=500):
        yield {name.removeprefix("_"): value for name, value in row.items()}


def _authenticators(user: User) -> Iterator[dict[str, Any]]:
    for one in Authenticator.objects.filter(user=user).order_by("pk"):
        yield {
            "type": one.type,
            "name": str(one) if one.type == Authenticator.Type.WEBAUTHN else "",
            "created_at": one.created_at,
            "last_used_at": one.last_used_at,
        }


def projects_alone(user: User) -> QuerySet[Project]:
    """Projects that nobody else belongs to: they end with this person."""
    alone = Project.objects.annotate(belonging=Count("memberships")).filter(belonging=1)
    return Project.objects.filter(pk__in=alone.values("pk"), memberships__user=user).order_by("pk")


def projects_led_alone(user: User) -> QuerySet[Project]:
    """Projects with other members and no other lead."""
    led = Project.objects.filter(memberships__user=user, memberships__role=ProjectMembership.Role.LEAD)
    others = ProjectMembership.objects.exclude(user=user)
    leads = others.filter(role=ProjectMembership.Role.LEAD)
    return led.filter(pk__in=others.values("project")).exclude(pk__in=leads.values("project")).order_by("pk")


def organisations_led_alone(user: User) -> QuerySet[Organisation]:
    """Organisations without another lead, whether or not anybody else belongs to them."""
    leads = OrganisationMembership.objects.filter(role=OrganisationMembership.Role.LEAD)
    return (
        Organisation.objects.led_by(user)
        .exclude(pk__in=leads.exclude(user=user).values("organisation"))
        .order_by("pk")
    )
