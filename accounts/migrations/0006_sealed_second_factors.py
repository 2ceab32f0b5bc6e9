"""What lies open in the database of a site from before is sealed, with the key that make_keys makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import migrations

from common.keys import load_sealing_keys

SECRETS = ("secret", "seed", "migrated_codes")


def seal(apps: Any, schema_editor: Any) -> None:
    """What a newer release has sealed already, while it ran before this migration, stays as it is."""
    ring = load_sealing_keys(settings.SECRETS_KEY_FILE)

    def sealed(text: str) -> str:
        try:
            ring.decrypt(text)
        except InvalidToken:
            return ring.encrypt(text.encode()).decode()
        return text

    _change(apps, sealed)


def open_again(apps: Any, schema_editor: Any) -> None:
    _change(apps, lambda text: load_sealing_keys(settings.SECRETS_KEY_FILE).decrypt(text).decode())


def _change(apps: Any, change: Callable[[str], str]) -> None:
    means = apps.get_model("mfa", "Authenticator").objects
    for one in means.filter(data__has_any_keys=SECRETS).select_for_update():
        for name in SECRETS:
            if name in one.data:
                value = one.data[name]
                one.data[name] = (
                    [change(code) for code in value] if name == "migrated_codes" else change(value)
                )
        one.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_steward_acts_on_projects"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [migrations.RunPython(seal, open_again)]
