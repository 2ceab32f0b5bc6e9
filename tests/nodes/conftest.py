"""What tests of nodes need besides the cast: the key that signs work."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from common.keys import make_key


@pytest.fixture
def dispatch_key() -> Path:
    make_key(settings.DISPATCH_KEY_FILE)
    return Path(settings.DISPATCH_KEY_FILE)
