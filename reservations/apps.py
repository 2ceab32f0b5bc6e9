from __future__ import annotations

from django.apps import AppConfig


class ReservationsConfig(AppConfig):
    name = "reservations"

    def ready(self) -> None:
        from accounts.services.own_data import register
        from reservations.services import own_data

        register(own_data.PART)
