"""`python -m bench NAME`: one measurement, in a process of its own; bin/bench runs several."""

from __future__ import annotations

import sys
from importlib import import_module

import django

# Each module has a measure() that prints Markdown.
MEASUREMENTS = (
    "race",
    "bookings",
    "queries",
    "starts",
    "fleet",
    "fairtree",
    "decision",
    "interleavings",
    "scale",
    "hourly",
    "export",
    "prices",
)


def main() -> None:
    name = sys.argv[1]
    if name not in MEASUREMENTS:
        sys.exit(f"Unknown: {name}. Known: {', '.join(MEASUREMENTS)}.")
    django.setup()
    import_module(f"bench.{name}").measure()


if __name__ == "__main__":
    main()
