"""The secrets of second factors, sealed: whoever reads the database cannot make anybody's codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from common.keys import load_sealing_keys, turn_sealing_key

# Where allauth keeps what is secret, by the kind of means. Of a passkey only the public half is here.
_SECRETS = ("secret", "seed", "migrated_codes")


def sealed(text: str) -> str:
    return load_sealing_keys(settings.SECRETS_KEY_FILE).encrypt(text.encode()).decode()


def opened(text: str) -> str:
    try:
        return load_sealing_keys(settings.SECRETS_KEY_FILE).decrypt(text).decode()
    except InvalidToken as exc:
        raise ImproperlyConfigured(f"No key in {settings.SECRETS_KEY_FILE} opens a second factor") from exc


def turn_key() -> int:
    """A new key seals from now on, and everything is sealed again with it; answer how many means that was.

    The older keys stay in the file: backups of the database need them.
    """
    turn_sealing_key(settings.SECRETS_KEY_FILE)
    return seal_again()


@transaction.atomic
def seal_again() -> int:
    """Everything with the first key of the file; answer how many means that was."""
    means = list(Authenticator.objects.select_for_update().order_by("pk"))
    changed = [one for one in means if _seal_again(one)]
    Authenticator.objects.bulk_update(changed, ["data"])
    return len(changed)


def _seal_again(means: Authenticator) -> bool:
    found = {name: means.data[name] for name in _SECRETS if name in means.data}
    means.data |= {name: _each(lambda text: sealed(opened(text)), value) for name, value in found.items()}
    return bool(found)


def _each(change: Callable[[str], str], value: Any) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)
