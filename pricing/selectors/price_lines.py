"""The price table as text: every cell worked out once, so that a thousand rows are only written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _, ngettext

from common import formats
from common.bars import Around, around_zero
from pricing.selectors.market.offers import Beside
from pricing.selectors.prices import PriceRow, PricesPage

PLACES = 4


@dataclass(frozen=True, slots=True)
class MarketCell:
    """What others ask for the same device."""

    lowest: str
    note: str
    url: str
    is_old: bool


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One row of the table."""

    slug: str
    url: str
    device: str
    availability: str
    owner: str
    place: str
    price: str
    full: str
    chargeable: str
    markup: str
    bar: Around | None
    on_chargeable: str
    market: MarketCell | None
    flags: str  # how many there are, in words; empty where there is none


def price_lines(page: PricesPage, *, flags: Mapping[int, int] | None = None) -> list[PriceLine]:
    """`flags`: how many a node has, by its id."""
    markets = _market_cells(row.market for row in page.rows)
    # Read once: each costs a look into the catalogue of translations.
    publicly_funded, on_chargeable = _("%(share)s publicly funded"), _("%(markup)s on chargeable")
    public, private = _("public body"), _("private owner")
    lines = []
    for row in page.rows:
        markup = row.markup_full
        if row.publicly_funded_share:
            kind = publicly_funded % {"share": formats.percent(row.publicly_funded_share, 0)}
        else:
            kind = public if row.owner_is_public else private
        lines.append(
            PriceLine(
                slug=row.slug,
                url=row.url,
                device=f"{row.device} {formats.memory(row.memory_bytes)}",
                availability=_stood(row) if page.as_of else _availability(row),
                owner=row.owner,
                place=f"{formats.country(row.country)}, {row.zone} · {row.node} · {kind}",
                price=formats.number(row.price, PLACES),
                full=formats.number(row.full_delivered, PLACES),
                chargeable=formats.number(row.chargeable_delivered, PLACES),
                markup=formats.signed_percent(markup),
                bar=None if markup is None else around_zero(markup, page.largest_markup),
                on_chargeable=on_chargeable % {"markup": formats.signed_percent(row.markup_chargeable)},
                market=markets[row.market.model_key] if row.market else None,
                flags=_flags((flags or {}).get(row.node_id, 0)),
            )
        )
    return lines


def market_cell(beside: Beside) -> MarketCell:
    """`6.0206`, and beneath it `median 7.1 of 9 offers, 17 May 2026`; of one it is no median."""
    found = beside.found
    is_alone = found.offers == 1
    counted = (
        _("only offer")
        if is_alone
        else ngettext("%(count)s offer", "%(count)s offers", found.offers)
        % {"count": formats.number(found.offers)}
    )
    said = {
        "median": formats.number(found.median, PLACES),
        "offers": counted,
        "day": formats.long_day(found.last),
    }
    if found.is_old:
        note = _("old: %(offers)s, %(day)s") % said
    elif is_alone and beside.is_list_price:
        note = _("only offer, %(day)s") % said
    elif is_alone:
        note = _("cheapest listing, the only one, %(day)s") % said
    elif beside.is_list_price:
        note = _("median %(median)s of %(offers)s, %(day)s") % said
    else:
        note = _("cheapest listings, median %(median)s of %(offers)s, %(day)s") % said
    return MarketCell(
        lowest=formats.number(found.lowest, PLACES),
        note=note,
        url=reverse("market_device", args=[beside.model_key]),
        is_old=found.is_old,
    )


def _market_cells(found: Iterable[Beside | None]) -> dict[str, MarketCell]:
    """A thousand nodes have few kinds of device."""
    cells: dict[str, MarketCell] = {}
    for one in found:
        if one is not None and one.model_key not in cells:
            cells[one.model_key] = market_cell(one)
    return cells


def _availability(row: PriceRow) -> str:
    if row.devices_free:
        if row.device_count == 1:
            return _("1 of 1 device free")
        # By those that are free: a language may bend the word by them and not by the whole.
        return ngettext(
            "%(free)s of %(devices)s devices free", "%(free)s of %(devices)s devices free", row.devices_free
        ) % {"free": formats.number(row.devices_free), "devices": formats.number(row.device_count)}
    if row.free_from:
        free = _("free from %(start)s") % {"start": formats.moment(row.free_from)}
    else:
        free = _("none free within 24 hours")
    return f"{_devices(row)} · {free}"


def _stood(row: PriceRow) -> str:
    if not row.is_withdrawn:
        return _devices(row)
    withdrawn = _("withdrawn since")
    return f"{_devices(row)} · {withdrawn}"


def _devices(row: PriceRow) -> str:
    count = formats.number(row.device_count)
    return ngettext("%(devices)s device", "%(devices)s devices", row.device_count) % {"devices": count}


def _flags(count: int) -> str:
    return ngettext("%(count)s flag", "%(count)s flags", count) % {"count": count} if count else ""
