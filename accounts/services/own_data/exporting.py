"""Everything about a person as one JSON document, written piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from accounts.models import User
from accounts.services.own_data.parts import from_below

FORMAT = "equinode-own-data/1"


def export_json(*, user: User, at: datetime) -> Iterator[str]:
    """An object with a member for each kind of thing; rows are read while they are sent."""
    yield f'{{"format": {_json(FORMAT)}, "exported_at": {_json(at)}'
    for part in from_below():
        for name, content in part.sections(user).items():
            yield f",\n{_json(name)}: "
            if isinstance(content, Mapping):
                yield _json(content)
            else:
                yield from _list(content)
    yield "\n}\n"


def _list(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield (",\n " if number else "\n ") + _json(row)
    yield "]"


def _json(value: object) -> str:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if hasattr(o, "lower") and hasattr(o, "upper"):  # a range of time: half-open
            return {"start": o.lower, "end": o.upper}
        return super().default(o)
