"""Importing hourly inputs: all of a file or nothing of it, recorded with who, when and which bytes."""

from __future__ import annotations

from pricing.services.hourly.storing import Imported, SeriesImport, import_file

__all__ = ["Imported", "SeriesImport", "import_file"]
