"""python -m tests.template: a migrated, empty database, whose name it prints; TEST_TEMPLATE may name it.

A run of all tests needs half a dozen databases, and to migrate each takes a quarter of a minute. One is
migrated, and the others are copied from it. It is made again when any app's migrations have changed.
"""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import django
from django.apps import apps
from django.db import connection

PREFIX = "template_equinode_"
IN_THE_MAKING = f"{PREFIX}in_the_making"  # until it is whole: a run may be cut short


def digest() -> str:
    """Of the migrations of all apps."""
    seen = hashlib.sha256(django.__version__.encode())
    for app in apps.get_app_configs():
        found = find_spec(f"{app.name}.migrations")
        for folder in (found and found.submodule_search_locations) or ():
            for file in sorted(Path(folder).glob("*.py")):
                seen.update(f"{app.label}/{file.name}\n".encode() + file.read_bytes())
    return seen.hexdigest()[:12]


def made(name: str) -> str:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [PREFIX])  # until it is made, or we end
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        there = [row[0] for row in cursor.fetchall()]
        if name not in there:
            for old in there:
                cursor.execute(f'DROP DATABASE "{old}"')
            _make()
            cursor.execute(f'ALTER DATABASE "{IN_THE_MAKING}" RENAME TO "{name}"')
    return name


def _make() -> None:
    connection.settings_dict["TEST"]["NAME"] = IN_THE_MAKING
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    connection.close()  # what somebody is connected to cannot be renamed


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
    os.environ.pop("TEST_TEMPLATE", None)
    django.setup()
    print(made(f"{PREFIX}{digest()}"))
