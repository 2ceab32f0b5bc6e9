"""From a file's lines to the tables, with an entry in the ledger; what is known already changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import IO, Any

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from accounts.models import User
from common.lines import on_one_line
from ledger import services as ledger
from pricing.domain.market.files import Said, read_file
from pricing.domain.market.matching import key_of
from pricing.domain.market.values import Content, Fault, Line, Offer, Rate, ShopPrice
from pricing.errors import ImportRefused
from pricing.models import ExchangeRate, ListPrice, MarketImport, RetailPrice
from pricing.services.hourly.unpacking import MOST_UNPACKED, digest_of, unpacked
from pricing.services.market.sentences import sentence_of

MOST_ROWS = 200_000  # the bank's rates since 1999, in the currencies that are read, are 70,000
_AT_ONCE = 2_000
_TURNS = 0x6D61726B  # of the lock under which imports take turns
_ADDRESS = re.compile(r"https?://\S{3,490}")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

Record = ListPrice | RetailPrice | ExchangeRate


@dataclass
class Imported:
    """What came of a file. Where it brought nothing new, nothing is recorded."""

    record: MarketImport | None = None
    content: Content = Content.PRICES
    rows: int = 0
    added: int = 0
    changed: int = 0
    unmatched: Counter[str] = field(default_factory=Counter)  # rows by provider and name
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Table:
    """How lines become rows of a table: which columns say what a row is about, and which what it says."""

    model: type[Any]
    about: tuple[str, ...]
    says: tuple[str, ...]
    row: Callable[[Any], Mapping[str, Any]]
    near: Callable[[Sequence[Any]], Q]  # rows that lines could be about


def import_file(
    *,
    file: IO[bytes],
    name: str,
    source: str,
    address: str = "",
    licence: str = "",
    provider: str = "",
    observed_on: date | None = None,
    by: User | None,
    at: datetime,
    most_unpacked: int = MOST_UNPACKED,
    typed: bool = False,
) -> Imported:
    """Read the file to its end and store what it says in one transaction; its header says what it holds.

    `provider` and `observed_on` are of files that do not say them.
    """
    record = MarketImport(
        file_name=on_one_line(name)[-200:], sha256=digest_of(file), source=on_one_line(source)[:200],
        licence=on_one_line(licence)[:200], address=address.strip(), by=by, at=at,
    )  # fmt: skip
    _require_named(record, provider)
    today = at.astimezone(UTC).date()
    with transaction.atomic(), unpacked(file, name, most_unpacked) as given:
        try:
            reading = read_file(given.text(), said=Said(provider, observed_on), today=today)
            lines = _within(reading.lines)
        except Fault as fault:
            raise ImportRefused(
                sentence_of(fault), field="file", line=fault.line, column=fault.column
            ) from fault
        record.content = reading.content
        record.format = "typed" if typed else reading.format
        done = _store(record, lines)
    done.left_out = reading.left_out
    return done


def enter_rate(
    *,
    currency: str,
    per_eur: Decimal,
    on: date,
    source: str,
    address: str = "",
    licence: str = "",
    by: User,
    at: datetime,
) -> Imported:
    """One rate, as a steward reads it off a named source: what one euro was worth on that day."""
    written = f"Date,{currency}\n{on.isoformat()},{per_eur:f}\n".encode()
    return import_file(
        file=BytesIO(written), name="", source=source, address=address, licence=licence, by=by, at=at,
        typed=True,
    )  # fmt: skip


def _require_named(record: MarketImport, provider: str) -> None:
    if not record.source:
        raise ImportRefused(_("Say where the figures come from."), field="source")
    if record.address and not _ADDRESS.fullmatch(record.address):
        raise ImportRefused(_("Write the address of the source with https://."), field="address")
    if provider and not _PROVIDER.fullmatch(provider):
        raise ImportRefused(
            _("“%(found)s” is not the name of a provider in small letters, such as aws.")
            % {"found": provider[:80]},
            field="provider",
        )


def _within(lines: Iterable[tuple[int, Line]]) -> list[Line]:
    found: list[Line] = []
    for number, one in lines:
        found.append(one)
        if len(found) > MOST_ROWS:
            raise Fault(number, "", "many_rows", f"{MOST_ROWS:,}")
    if not found:
        raise Fault(1, "", "no_rows")
    return found


# --- what a line becomes ----------------------------------------------------------------------------------
def _of_offer(one: Offer) -> Mapping[str, Any]:
    key = key_of(one.device, memory_gib=one.memory_gib, provider=one.provider, offer=one.offer)
    return {
        "provider": one.provider, "offer": one.offer, "region": one.region, "device": one.device,
        "kind": str(one.kind), "observed_on": one.observed_on, "model_key": key,
        "memory_gib": one.memory_gib, "devices": one.devices, "currency": one.currency,
        "price_hour": one.price_hour, "per_device_hour": one.per_device_hour,
    }  # fmt: skip


def _of_shop(one: ShopPrice) -> Mapping[str, Any]:
    return {
        "device": one.device, "currency": one.currency, "on": one.on, "model_key": key_of(one.device),
        "price": one.price,
    }  # fmt: skip


def _of_rate(one: Rate) -> Mapping[str, Any]:
    return {"currency": one.currency, "on": one.on, "per_eur": one.per_eur}


_TABLES: Mapping[Content, _Table] = {
    Content.PRICES: _Table(
        ListPrice,
        ("provider", "offer", "region", "device", "kind", "observed_on"),
        ("model_key", "memory_gib", "devices", "currency", "price_hour"),
        _of_offer,
        lambda lines: Q(provider__in={one.provider for one in lines}),
    ),
    Content.SHOPS: _Table(
        RetailPrice,
        ("device", "currency", "on"),
        ("model_key", "price"),
        _of_shop,
        lambda lines: Q(device__in={one.device for one in lines}),
    ),
    Content.RATES: _Table(
        ExchangeRate,
        ("currency", "on"),
        ("per_eur",),
        _of_rate,
        lambda lines: Q(
            currency__in={one.currency for one in lines},
            on__gte=min(one.on for one in lines),
            on__lte=max(one.on for one in lines),
        ),
    ),
}


def _store(record: MarketImport, lines: Sequence[Line]) -> Imported:
    _take_turns()
    table = _TABLES[Content(record.content)]
    rows = [table.row(one) for one in lines]
    known = _known(table, lines)
    done = Imported(content=Content(record.content), rows=len(rows))
    new = []
    for row in rows:
        before = known.get(_picked(row, table.about))
        if before is None:
            done.added += 1
        elif before != _picked(row, table.says):
            done.changed += 1
        else:
            continue
        new.append(row)
    done.unmatched = Counter(
        f"{row['provider']}: {row['device']}" if "provider" in row else row["device"]
        for row in rows
        if row.get("model_key") == ""
    )
    if new:
        done.record = _entered(record, done)
        made = (table.model(came_with=record, **row) for row in new)
        table.model.objects.bulk_create(made, batch_size=_AT_ONCE)
    return done


def _take_turns() -> None:
    """Two files about the same would each find nothing known, and both be stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURNS])


def _known(table: _Table, lines: Sequence[Line]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What the later import says of each thing that lines could be about."""
    width = len(table.about)
    rows = table.model.objects.filter(table.near(lines)).order_by("pk")
    return {
        tuple(row[:width]): tuple(row[width:])
        for row in rows.values_list(*table.about, *table.says).iterator(chunk_size=_AT_ONCE)
    }


def _picked(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def _entered(record: MarketImport, done: Imported) -> MarketImport:
    """With its counts from the beginning: an import that is recorded never changes."""
    record.rows, record.added, record.changed = done.rows, done.added, done.changed
    record.unmatched = done.unmatched.total()
    # Not before the import that it corrects, whose moment may have been read later.
    newest = MarketImport.objects.aggregate(at=Max("at"))["at"]
    record.at = max(record.at, newest) if newest else record.at
    body = {
        "import": record.uid,
        **{name: getattr(record, name) for name in ("content", "source", "licence")},
        "digest": record.sha256,
        **{name: getattr(record, name) for name in ("rows", "unmatched", "added", "changed")},
    }
    record.entry = ledger.append(kind="list_prices", body=body, at=record.at)
    record.save(force_insert=True)
    return record
