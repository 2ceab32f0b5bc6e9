"""What there is and what it costs: nodes and prices, public to everybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import click

from equinode_cli import choosing, completing, figures, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.errors import Misused
from equinode_cli.moments import moment_typed, zone_named
from equinode_cli.words import _


@command(
    equinode,
    "nodes",
    _("Nodes with their devices and prices. With a time: how many of the devices are free all along."),
    [
        "equinode nodes --model h100-sxm5-80 --country FR",
        'equinode nodes --free-from "2026-11-24 14:00" --free-to 18:00',
    ],
)
@click.option(
    "--model",
    metavar=_("KEY"),
    shell_complete=completing.models,
    help=_("Only nodes with this kind of device."),
)
@click.option("--country", metavar=_("CODE"), help=_("Two letters, such as FR."))
@click.option("--free-from", metavar=_("TIME"), help=_("Local time, or now."))
@click.option(
    "--free-to", metavar=_("TIME"), help=_("Local time; on the day of --free-from, if only a time is given.")
)
@click.option(
    "--zone", metavar=_("NAME"), help=_("Time zone of what you type and read; else this machine’s.")
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar=_("NUMBER"),
    default=50,
    show_default=True,
    help=_("How many at most."),
)
def nodes(
    call: Call, model: str | None, country: str | None, free_from: str | None, free_to: str | None,
    zone: str | None, limit: int,
) -> None:  # fmt: skip
    slot = _slot(free_from, free_to, zone)
    with call.site(signed_in=False) as site:
        found = site.rows("nodes", most=limit, device=model, country=country and country.upper())
        if slot:
            found["items"] = list(_free(site, found["items"], slot))
    call.show(found, lambda found: _nodes(found["items"], model))


def _slot(free_from: str | None, free_to: str | None, zone: str | None) -> choosing.Slot | None:
    if free_from is None and free_to is None:
        return None
    if free_to is None:
        raise Misused(_("Until when? Add --free-to."))
    now = datetime.now(UTC)
    where = zone_named(zone)
    start = moment_typed(free_from or "now", where, now)
    return choosing.slot(
        None if free_from in (None, "now") else start, moment_typed(free_to, where, start), now
    )


def _free(site: Any, found: list[dict[str, Any]], slot: choosing.Slot) -> Iterator[dict[str, Any]]:
    """Only nodes with something free; each of their devices says whether it is."""
    for node in found:
        terminal.progress(_("Looking at %(node)s …") % {"node": node["name"]})
        free = choosing.free_devices(site, node, slot)
        if free:
            yield {**node, "devices": [{**one, "is_free": one["uid"] in free} for one in node["devices"]]}


def _nodes(found: list[dict[str, Any]], model: str | None) -> str:
    if not found:
        return _("No node is like that.")
    head = [_("Node"), _("Devices"), _("Key"), _("Place"), _("Owner"), _("To pay an hour"), _("Full cost")]
    return terminal.table(head, (row for node in found for row in _rows(node, model)), right=(5, 6))


def _rows(node: dict[str, Any], model: str | None) -> Iterator[list[object]]:
    """A row for each kind of device of a node."""
    price = node["price"] or {"to_pay": None, "full_delivered": None}
    devices = sorted(node["devices"], key=lambda device: str(device["model_key"]))
    for key, group in groupby(devices, key=lambda device: str(device["model_key"])):
        kind = list(group)
        if model in (None, key):
            yield [
                node["slug"], _counted(kind), key, f"{node['site']['name']}, {node['site']['country']}",
                node["owner"]["name"], figures.price(price["to_pay"]), figures.price(price["full_delivered"]),
            ]  # fmt: skip


def _counted(kind: list[dict[str, Any]]) -> str:
    name = kind[0]["model"]
    if "is_free" not in kind[0]:
        return f"{len(kind)} × {name}"
    free = sum(1 for device in kind if device["is_free"])
    return _("%(free)d of %(all)d × %(name)s free") % {"free": free, "all": len(kind), "name": name}


@command(
    equinode,
    "prices",
    _("Price and full cost of an hour on every node, cheapest first."),
    ["equinode prices --model h100-sxm5-80", "equinode prices --max-price 2 --owner public --json"],
)
@click.option(
    "--model", metavar=_("KEY"), shell_complete=completing.models, help=_("Only this kind of device.")
)
@click.option("--country", metavar=_("CODE"), help=_("Two letters, such as FR."))
@click.option("--max-price", metavar="EUR", help=_("Only up to this price of a device-hour."))
@click.option("--owner", type=click.Choice(["public", "private"]), help=_("Only nodes of such owners."))
@click.option(
    "--sort",
    default="price",
    show_default=True,
    metavar=_("COLUMN"),
    help=_("A minus before it turns the order."),
)
def prices(
    call: Call, model: str | None, country: str | None, max_price: str | None, owner: str | None, sort: str
) -> None:
    with call.site(signed_in=False) as site:
        found = site.get(
            "prices",
            device=model,
            country=country and country.upper(),
            max_price=max_price,
            owner=owner,
            sort=sort,
        )
    call.show(found, lambda found: _prices(found["prices"]))


def _prices(rows: Iterable[dict[str, Any]]) -> str:
    shown = [
        [
            row["slug"], f"{row['devices']} × {row['device']}", f"{row['site']}, {row['country']}",
            row["owner"], figures.price(row["to_pay"]), figures.price(row["full_delivered"]),
            figures.price(row["chargeable_delivered"]),
        ]
        for row in rows
    ]  # fmt: skip
    if not shown:
        return _("No node has such a price.")
    head = [
        _("Node"),
        _("Devices"),
        _("Place"),
        _("Owner"),
        _("To pay an hour"),
        _("Full cost"),
        _("Chargeable"),
    ]
    return (
        terminal.table(head, shown, right=(4, 5, 6))
        + "\n"
        + _("EUR per device-hour, before VAT; the site’s fee is in what is to pay.")
    )
