"""What pricing says to people: names of components, waterfall steps, faults of a declaration."""

from __future__ import annotations

from pricing.wording.caps import above_cap, how, percent_of, unsound
from pricing.wording.components import COMPONENT_NAMES, component_label, component_sentence, percent
from pricing.wording.faults import FIELD_NAMES, fault_name, fault_sentence
from pricing.wording.prices import against, four_costs
from pricing.wording.site_costs import SITE_COST_NAMES, fee_above_costs, how_a_fee_follows, wrong_costs

__all__ = [
    "COMPONENT_NAMES",
    "FIELD_NAMES",
    "SITE_COST_NAMES",
    "above_cap",
    "against",
    "component_label",
    "component_sentence",
    "fault_name",
    "fault_sentence",
    "fee_above_costs",
    "four_costs",
    "how",
    "how_a_fee_follows",
    "percent",
    "percent_of",
    "unsound",
    "wrong_costs",
]
