"""What an endpoint answers, as its documentation tells it. Answers are built by hand: these describe them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers


class Shape(serializers.Serializer[Any]):
    """The members of an answer, with an example; tests hold answers against it."""

    example: ClassVar[dict[str, Any] | None] = None
