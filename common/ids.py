"""Public identifiers: time-ordered UUIDs, so that rows made together lie together."""

from __future__ import annotations

import os
import time
from uuid import UUID

from django.conf import settings


def uuid7() -> UUID:
    """A version 7 UUID (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    value = int.from_bytes(os.urandom(10), "big")
    value |= (time.time_ns() // 1_000_000) << 80
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def global_id(uid: UUID) -> str:
    """The same everywhere, so that sites can be joined one day: this site's origin and a UUID."""
    return f"{settings.SITE_ORIGIN}/{uid}"
