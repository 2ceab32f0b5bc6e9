"""The files that are read as their sources publish them, each known by its header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pricing.domain.market.values import (
    CURRENCIES,
    FOUR_PLACES,
    LEAST_RATE,
    LEAST_SHOP,
    MOST_RATE,
    MOST_SHOP,
    Content,
    Fault,
    Kind,
    Line,
    Offer,
    Rate,
    Reading,
    Row,
    ShopPrice,
)

MEBIBYTES = 1024
_MEMORY = re.compile(r"\b(\d{1,4}) ?GB\b")


@dataclass(frozen=True)
class Said:
    """What whoever imports says of a file that does not say it itself."""

    provider: str = ""
    observed_on: date | None = None


@dataclass(frozen=True)
class _Format:
    name: str
    columns: tuple[str, ...]
    content: Content
    read: Callable[[Row, Said, Counter[str]], Iterator[Line]]
    needs: tuple[str, ...] = ()  # members of Said


def read_file(lines: Iterable[str], *, said: Said, today: date) -> Reading:
    """Any of the formats. Lines are read, and found wrong, as they are asked for."""
    rows: Any = csv.reader(lines, strict=True)
    header = [name.strip() for name in next(rows, [])]
    if header[:1] == ["Date"]:
        return _rates(rows, header, today)
    found = next((one for one in _FORMATS if list(one.columns) == header), None)
    if found is None:
        raise _wrong_header(header)
    for name in found.needs:
        if not getattr(said, name):
            raise Fault(1, "", f"say_{name}", found.name)
    left_out: Counter[str] = Counter()
    return Reading(found.content, found.name, _lines(rows, found, said, today, left_out), left_out)


def _lines(
    rows: Any, found: _Format, said: Said, today: date, left_out: Counter[str]
) -> Iterator[tuple[int, Line]]:
    seen: dict[tuple[str, ...], int] = {}
    for cells in rows:
        line = rows.line_num
        if not cells:
            continue
        if len(cells) != len(found.columns):
            raise Fault(line, "", "columns", f"{len(cells)}/{len(found.columns)}")
        row = Row(line, dict(zip(found.columns, cells, strict=True)), today)
        for one in found.read(row, said, left_out):
            before = seen.setdefault(one.identity, line)
            if before != line:
                raise Fault(line, "", "twice", str(before))
            yield line, one


def _wrong_header(header: list[str]) -> Fault:
    found = ",".join(header)
    return Fault(1, "", "semicolons" if ";" in found and "," not in found else "header", found)


# --- list prices of clouds -----------------------------------------------------------------------------
_CLOUD_KINDS: Mapping[str, Kind] = {
    "on_demand_usd_h": Kind.ON_DEMAND,
    "spot_usd_h": Kind.SPOT,
    "reserved_1y_usd_h": Kind.RESERVED,
}


def _cloud(row: Row, _said: Said, left_out: Counter[str]) -> Iterator[Line]:
    """Instances of several clouds. Rows without any price are in the source, too."""
    priced = [name for name in _CLOUD_KINDS if row.cells[name].strip()]
    if not priced:
        left_out["no_price"] += 1
        return
    row.number("spot_max_usd_h")  # the highest of some days: no price that can be had, but a number
    devices = row.devices("accelerator_count")
    memory = row.memory("accelerator_mem_gib_each")
    for column in priced:
        price = row.price(column, devices)
        assert price is not None
        yield Offer(
            row.provider("provider"), row.text("instance_type"), row.text("region"), row.text("accelerator"),
            memory, devices, "USD", price, _CLOUD_KINDS[column], row.day("as_of"),
        )  # fmt: skip


def _oracle(row: Row, said: Said, _left_out: Counter[str]) -> Iterator[Line]:
    """Oracle's list of parts; a part is one GPU for one hour."""
    for column, wanted in (("metric", "GPU Per Hour"), ("model", "PAY_AS_YOU_GO")):
        if row.cells[column] != wanted:
            raise Fault(row.line, column, f"oracle_{column}", row.cells[column])
    price = row.price("value", Decimal(1))
    if price is None:
        raise Fault(row.line, "value", "empty")
    name = " ".join(row.text("display_name").split())
    yield Offer(
        "oci", row.text("part_number"), "", name, None, Decimal(1), row.currency("currency"), price,
        Kind.ON_DEMAND, _observed(said),
    )  # fmt: skip


def _skypilot(row: Row, said: Said, _left_out: Counter[str]) -> Iterator[Line]:
    devices, mebibytes = row.devices("AcceleratorCount"), row.memory("GpuMemMiBEach")
    memory = None if mebibytes is None else (mebibytes / MEBIBYTES).quantize(FOUR_PLACES)
    row.number("vCPUs"), row.number("MemoryGiB")
    if not row.cells["Price"].strip() and not row.cells["SpotPrice"].strip():
        raise Fault(row.line, "Price", "empty")
    for column, kind in (("Price", Kind.ON_DEMAND), ("SpotPrice", Kind.SPOT)):
        price = row.price(column, devices)
        if price is not None:
            yield Offer(
                said.provider, row.text("InstanceType"), row.text("Region"), row.text("AcceleratorName"),
                memory, devices, "USD", price, kind, _observed(said),
            )  # fmt: skip


def _cheapest(row: Row, _said: Said, _left_out: Counter[str]) -> Iterator[Line]:
    """The cheapest listing of each provider; the name says the memory."""
    device = row.text("gpu")
    price = row.price("cheapest_on_demand_usd_per_gpu_h", Decimal(1))
    if price is None:
        raise Fault(row.line, "cheapest_on_demand_usd_per_gpu_h", "empty")
    memory = _MEMORY.search(device)
    yield Offer(
        row.provider("provider"), "", "", device, Decimal(memory[1]) if memory else None, Decimal(1), "USD",
        price, Kind.CHEAPEST, row.moment("collected_at"),
    )  # fmt: skip


def _own(row: Row, _said: Said, _left_out: Counter[str]) -> Iterator[Line]:
    """The site's own format."""
    devices = row.devices("devices")
    price = row.price("price_hour", devices)
    if price is None:
        raise Fault(row.line, "price_hour", "empty")
    kind = row.cells["kind"].strip()
    if kind not in list(Kind):
        raise Fault(row.line, "kind", "kind", kind)
    yield Offer(
        row.provider("provider"), row.text("offer"), row.text("region", optional=True), row.text("device"),
        row.memory("memory_gib"), devices, row.currency("currency"), price, Kind(kind),
        row.day("observed_on"),
    )  # fmt: skip


def _observed(said: Said) -> date:
    assert said.observed_on is not None
    return said.observed_on


# --- prices in shops -------------------------------------------------------------------------------------
def _shop(row: Row, _said: Said, _left_out: Counter[str]) -> Iterator[Line]:
    price = row.needed("price_usd")
    if not LEAST_SHOP <= price <= MOST_SHOP:
        raise Fault(row.line, "price_usd", "absurd_shop", row.cells["price_usd"])
    yield ShopPrice(row.text("gpu"), row.day("date"), price.quantize(Decimal("0.01")), "USD")


# --- exchange rates --------------------------------------------------------------------------------------
def _rates(rows: Any, header: list[str], today: date) -> Reading:
    """The euro's reference rates as the European Central Bank publishes them: currency for one euro."""
    codes = header[1:]
    if codes and not codes[-1]:  # the bank ends each line with a comma
        codes.pop()
    if not codes or any(not re.fullmatch("[A-Z]{3}", code) for code in codes):
        raise Fault(1, "", "rate_header", ",".join(header))
    twice = [code for code, count in Counter(codes).items() if count > 1]
    if twice:
        raise Fault(1, twice[0], "twice", "1")
    left_out: Counter[str] = Counter()
    return Reading(Content.RATES, "ecb", _rate_lines(rows, codes, len(header), today, left_out), left_out)


def _rate_lines(
    rows: Any, codes: list[str], width: int, today: date, left_out: Counter[str]
) -> Iterator[tuple[int, Line]]:
    seen: dict[date, int] = {}
    for cells in rows:
        line = rows.line_num
        if not cells:
            continue
        if len(cells) != width:
            raise Fault(line, "", "columns", f"{len(cells)}/{width}")
        row = Row(line, dict(zip(["Date", *codes], cells, strict=False)), today)
        day = row.day("Date")
        before = seen.setdefault(day, line)
        if before != line:
            raise Fault(line, "Date", "twice", str(before))
        for code in codes:
            if code not in CURRENCIES or row.cells[code].strip() in ("N/A", ""):
                left_out["other_currency" if code not in CURRENCIES else "no_rate"] += 1
                continue
            rate = row.needed(code)
            if not LEAST_RATE <= rate <= MOST_RATE:
                raise Fault(line, code, "absurd_rate", row.cells[code])
            yield line, Rate(code, rate, day)


OWN_COLUMNS = (
    "provider", "offer", "region", "device", "memory_gib", "devices", "currency", "price_hour", "kind",
    "observed_on",
)  # fmt: skip
_FORMATS = (
    _Format("own", OWN_COLUMNS, Content.PRICES, _own),
    _Format(
        "cloud",
        ("as_of", "provider", "region", "instance_type", "accelerator", "accelerator_count",
         "accelerator_mem_gib_each", "vcpus", "memory_gib", "on_demand_usd_h", "spot_usd_h",
         "spot_max_usd_h", "reserved_1y_usd_h"),
        Content.PRICES, _cloud,
    ),
    _Format(
        "oracle", ("part_number", "display_name", "metric", "model", "value", "currency"),
        Content.PRICES, _oracle, needs=("observed_on",),
    ),
    _Format(
        "skypilot",
        ("InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "Price", "Region",
         "GpuMemMiBEach", "SpotPrice"),
        Content.PRICES, _skypilot, needs=("provider", "observed_on"),
    ),
    _Format(
        "cheapest", ("collected_at", "provider", "gpu", "cheapest_on_demand_usd_per_gpu_h"),
        Content.PRICES, _cheapest,
    ),
    _Format("shops", ("gpu", "date", "price_usd"), Content.SHOPS, _shop),
)  # fmt: skip
