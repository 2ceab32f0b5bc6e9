"""Hourly inputs: day-ahead prices and carbon intensity by zone, read and completed by a stated rule.

What each format and rule is: docs/hourly-inputs.md.
"""

from __future__ import annotations
