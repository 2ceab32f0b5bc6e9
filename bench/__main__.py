"""`bin/bench`: run the measurements asked for, print their tables."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import django

# The names, in the order of the report; each module has a measure() that prints Markdown.
MEASUREMENTS = ("race", "bookings", "queries", "starts")


def main() -> None:
    asked = sys.argv[1:] or list(MEASUREMENTS)
    unknown = set(asked) - set(MEASUREMENTS)
    if unknown:
        sys.exit(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(MEASUREMENTS)}.")
    # The measuring process reads the clock and the database between events; it serves nobody.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()
    print(f"Measured on {os.cpu_count()} cores; clients, server and database share them.\n")
    for name in asked:
        import_module(f"bench.{name}").measure()


if __name__ == "__main__":
    main()
