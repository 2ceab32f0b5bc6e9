"""Whether the database and the broker that the environment names can be used; a sentence when not.

A first look, before Django: its pool of connections would try for ten seconds and then say less.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import dj_database_url
import psycopg
import redis
from psycopg.conninfo import make_conninfo

SECONDS = 5
POSTGRES = 15  # UNIQUE NULLS NOT DISTINCT came with it
REDIS = (6, 2)


def faults() -> list[str]:
    """One sentence for each named server that cannot be used, and nothing where all is well."""
    database, broker = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    found = [database_fault(database) if database else None, broker_fault(broker) if broker else None]
    return [fault for fault in found if fault]


def database_fault(url: str) -> str | None:
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        return "DATABASE_URL has to name a PostgreSQL: postgresql://user:password@host/name"
    named = dj_database_url.parse(url)
    options = {"connect_timeout": str(SECONDS)}
    options |= {key: value for key, value in named.get("OPTIONS", {}).items() if isinstance(value, str)}
    parts = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    given = {part: str(named[key]) for part, key in parts.items() if named.get(key)}  # type: ignore[literal-required]
    whom = (
        f"{given.get('dbname', '')} at {given.get('host', 'the local socket')} as {given.get('user', 'you')}"
    )
    try:
        address = make_conninfo("", **options, **given)
        with psycopg.connect(address) as connection:
            version = connection.info.server_version // 10000
            allowed = connection.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')").fetchone()
    except psycopg.Error as exc:
        return f"DATABASE_URL: no connection to {whom}. It says: {_one_line(exc)}"
    if version < POSTGRES:
        return f"DATABASE_URL: PostgreSQL {version} answers; Equinode needs {POSTGRES} or newer."
    if allowed is None or not allowed[0]:
        return f"DATABASE_URL: no right to make tables in {whom}: let that user own the database."
    return None


def broker_fault(url: str) -> str | None:
    where = urlsplit(url)
    try:
        with redis.from_url(url, socket_timeout=SECONDS) as server:
            version = str(server.info("server")["redis_version"])
    except ValueError as exc:
        return f"REDIS_URL is no address of a Redis: {exc}"
    except redis.RedisError as exc:
        return f"REDIS_URL: no answer from {where.hostname or where.path}. It says: {_one_line(exc)}"
    if tuple(int(part) for part in version.split(".")[:2]) < REDIS:
        return f"REDIS_URL: Redis {version} answers; Equinode needs {REDIS[0]}.{REDIS[1]} or newer."
    return None


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())
