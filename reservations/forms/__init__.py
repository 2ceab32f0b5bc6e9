"""What people type about slots, jobs and projects. Rules are the services' business."""

from __future__ import annotations

from reservations.forms.booking import RunForm, SlotForm

__all__ = ["RunForm", "SlotForm"]
