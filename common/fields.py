"""Columns that Django does not bring."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models


class ExactNumericField(models.DecimalField):  # type: ignore[type-arg]
    """PostgreSQL `numeric` without precision: sums stay exact however large they grow.

    Forward-decayed usage doubles every half-life (docs/fair-share.md), so no fixed
    precision would do for long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 1000)
        kwargs.setdefault("decimal_places", 500)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_digits", None)
        kwargs.pop("decimal_places", None)
        return name, path, args, kwargs

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return None if value is None else Decimal(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else Decimal(value)
