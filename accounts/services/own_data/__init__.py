"""What the site keeps of a person: giving it to them, and letting go of it.

Each app registers its part when it is loaded, so that this one need not know the rooms above it.
"""

from __future__ import annotations

from accounts.services.own_data.erasing import Plan, erase, plan
from accounts.services.own_data.exporting import export_json
from accounts.services.own_data.parts import Part, Stop, register

__all__ = ["Part", "Plan", "Stop", "erase", "export_json", "plan", "register"]
