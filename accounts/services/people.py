"""What is written about a person."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User


def create_person(
    *, email: str, password: str | None, name: str = "", language: str = "en", time_zone: str = "Europe/Paris"
) -> User:
    """A person whose e-mail address is known to be theirs: no code is asked at the first sign-in.

    For people entered by a steward or by the example world; who signs up proves it with a code.
    Without a password they sign in after setting one by e-mail.
    """
    with transaction.atomic():
        user = User.objects.create_user(email, password, name=name, language=language, time_zone=time_zone)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


def change_person(*, user: User, name: str, language: str, time_zone: str) -> User:
    """Set how a person is called and in which language and zone they read."""
    user.name, user.language, user.time_zone = name, language, time_zone
    user.save(update_fields=["name", "language", "time_zone"])
    return user


def change_language(*, user: User, language: str) -> None:
    User.objects.filter(pk=user.pk).update(language=language)
