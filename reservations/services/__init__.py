"""What reservations does: book, cancel, run, dispatch, settle."""

from __future__ import annotations
