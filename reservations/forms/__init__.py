"""What people type about slots, jobs and projects. Rules are the services' business."""

from __future__ import annotations

from reservations.forms.booking import SlotForm
from reservations.forms.jobs import RunForm

__all__ = ["RunForm", "SlotForm"]
