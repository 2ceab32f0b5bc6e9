"""The wizard of a cost statement, step by step."""

from __future__ import annotations

from pricing.forms.statements.form import Offered, PoolChoice, StepForm, step_of_fault, texts_of
from pricing.forms.statements.steps import ASKED, PART_NAMES, Asked, Step

__all__ = [
    "ASKED",
    "PART_NAMES",
    "Asked",
    "Offered",
    "PoolChoice",
    "Step",
    "StepForm",
    "step_of_fault",
    "texts_of",
]
