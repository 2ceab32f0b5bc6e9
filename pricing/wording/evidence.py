"""What evidence stands behind, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from pricing.domain.cost import Kind
from pricing.wording.components import COMPONENT_NAMES


def part_name(part: str, declared: Mapping[str, Any]) -> str:
    """A part of a statement: a component, a thing that was bought, a share of a pool, or all of it."""
    if not part:
        return _("The whole statement")
    if part in COMPONENT_NAMES:
        return str(COMPONENT_NAMES[Kind(part)])
    listed, _dot, number = part.partition(".")
    rows = declared.get(listed, ())
    if number.isdigit() and int(number) < len(rows):
        return str(rows[int(number)]["name"])
    return part
