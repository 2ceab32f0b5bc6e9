"""What an endpoint answers, as its documentation tells it. Answers are built by hand: these describe them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from rest_framework import serializers


class Shape(serializers.Serializer[Any]):
    """The members of an answer, with an example; tests hold answers against it."""

    example: ClassVar[dict[str, Any] | None] = None


class MomentField(serializers.DateTimeField):
    """A moment that a caller gives; UTC unless it says otherwise, whatever zone pages are read in."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


def moment(at: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
