"""A query whose SQL is worked out once in each process: for the few that stand before every page and call.

To build such a query with Django, and to turn it into SQL, takes longer than the database takes to answer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=Model)
_VALUE = object()  # among the parameters: where the value of a call goes


class Compiled(Generic[M]):
    """`Compiled(lambda value: Model.objects.filter(name=value)).first("Ada")`."""

    def __init__(self, rows: Callable[[RawSQL], QuerySet[M]]) -> None:
        """`rows` is called once: nothing in it but the value may differ from one call to the next."""
        self._rows = rows

    @cached_property
    def _worked_out(self) -> tuple[Any, str, tuple[object, ...]]:
        compiler = self._rows(RawSQL("%s", (_VALUE,)))[:1].query.get_compiler(DEFAULT_DB_ALIAS)
        return compiler, *compiler.as_sql()

    def first(self, value: object) -> M | None:
        kept, sql, parameters = self._worked_out
        compiler = copy.copy(kept)
        compiler.connection = connections[DEFAULT_DB_ALIAS]  # each thread's own
        filled = tuple(value if one is _VALUE else one for one in parameters)
        compiler.as_sql = lambda: (sql, filled)
        asked: Any = _Asked(compiler)
        return next(iter(ModelIterable(asked)), None)


@dataclass(frozen=True)
class _Asked:
    """What an iterable wants to know of a query set."""

    compiler: Any
    db: str = DEFAULT_DB_ALIAS
    _known_related_objects: dict[str, object] = field(default_factory=dict)

    @property
    def query(self) -> _Asked:
        return self

    def get_compiler(self, using: str) -> Any:
        return self.compiler
