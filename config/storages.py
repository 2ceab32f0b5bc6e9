"""Where evidence is kept: EVIDENCE_STORAGE as a storage of Django's."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured

HERE = {"BACKEND": "common.evidence.storage.WholeFileStorage"}


def read_storage(text: str) -> dict[str, Any]:
    """`{"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {…}}`; nothing: below MEDIA_ROOT."""
    if not text:
        return HERE
    try:
        read: Any = json.loads(text)
    except ValueError as exc:
        raise ImproperlyConfigured(f"EVIDENCE_STORAGE is not JSON: {exc}") from exc
    if not isinstance(read, dict) or "BACKEND" not in read or set(read) - {"BACKEND", "OPTIONS"}:
        raise ImproperlyConfigured("EVIDENCE_STORAGE has a BACKEND, and OPTIONS where it needs them")
    return read
