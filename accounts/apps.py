from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.services import sign_in_changes
        from accounts.services.own_data import person, register

        register(person.PART)
        sign_in_changes.listen()
