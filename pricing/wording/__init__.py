"""What pricing says to people: names of components, waterfall steps, faults of a declaration."""

from __future__ import annotations

from pricing.wording.caps import above_cap, how, percent_of, unsound
from pricing.wording.components import COMPONENT_NAMES, component_label, component_sentence, percent
from pricing.wording.faults import FIELD_NAMES, fault_name, fault_sentence
from pricing.wording.prices import against, four_costs

__all__ = [
    "COMPONENT_NAMES",
    "FIELD_NAMES",
    "above_cap",
    "against",
    "component_label",
    "component_sentence",
    "fault_name",
    "fault_sentence",
    "four_costs",
    "how",
    "percent",
    "percent_of",
    "unsound",
]
