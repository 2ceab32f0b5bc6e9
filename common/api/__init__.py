"""The conventions of every endpoint under /api/v1/: docs/api.md says them to those who write programs.

Imported by module: settings name some of it, while REST framework itself is still being imported.
"""

from __future__ import annotations
