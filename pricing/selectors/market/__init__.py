"""What others ask for the same device, as it was known at a moment: offers, summaries, shop prices."""

from __future__ import annotations
