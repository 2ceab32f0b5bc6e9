"""What pages do, for programs: under /api/v1/. Each endpoint asks the same services and selectors."""

from __future__ import annotations
