"""Bring database, keys, share tree and static files up to date, in one process: each start costs a second."""

from __future__ import annotations

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    call_command("make_keys")  # what lies in the database is sealed with one of them
    call_command("migrate", verbosity=0)
    call_command("make_keys", declare=True)
    call_command("make_independent_account", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
