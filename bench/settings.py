"""The site's settings with the bench's addresses."""

from __future__ import annotations

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"

# What is measured is the site, not its patience.
API_CALLS_PER_PERSON = API_CALLS_PER_ADDRESS = 10**9
