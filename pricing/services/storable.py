"""What was typed into a draft, as the database can hold it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from pricing.domain.declared import Json
from pricing.errors import StatementRefused

_DEEPEST = 12  # a declaration has five levels


def storable(body: Mapping[str, object]) -> dict[str, Json]:
    """The same without what the database cannot hold (the letter NUL), and not nested without end."""
    kept = _storable(body, _DEEPEST)
    assert isinstance(kept, dict)
    return kept


def _storable(value: object, depth: int) -> Json:
    if not depth:
        raise StatementRefused(_("The declaration is nested too deeply."), field="declared")
    if isinstance(value, Mapping):
        return {str(name).replace("\0", ""): _storable(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item, depth - 1) for item in value]
    if isinstance(value, str):
        return value.replace("\0", "")
    return value if value is None or isinstance(value, bool | int) else str(value)
