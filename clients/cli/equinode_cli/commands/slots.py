"""Slots that are booked: listing, showing and cancelling them."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import click

from equinode_cli import completing, figures, moments, states, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.errors import NotFound
from equinode_cli.moments import zone_named
from equinode_cli.naming import uid_in
from equinode_cli.site import Site
from equinode_cli.words import _


@command(
    equinode, "list", _("Slots of your projects, newest first."),
    ["equinode list", "equinode list --project protein-shapes --state booked --json"],
)  # fmt: skip
@click.option(
    "--project", metavar=_("PROJECT"), shell_complete=completing.projects, help=_("Only this one’s.")
)
@click.option("--state", metavar=_("STATE"), help=_("Only such: booked, cancelled …"))
@click.option("--zone", metavar=_("NAME"), help=_("Time zone of what you read; else this machine’s."))
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar=_("NUMBER"),
    default=20,
    show_default=True,
    help=_("How many at most."),
)
def list_(call: Call, project: str | None, state: str | None, zone: str | None, limit: int) -> None:
    where = zone_named(zone)
    with call.site() as site:
        found = site.rows("reservations", most=limit, project=project, state=state)
        if project and not found["items"]:
            _require_own(site, project)
    call.show(found, lambda found: _list(found, where))


def _require_own(site: Site, project: str) -> None:
    """Nothing is booked for a project that is not there, either."""
    own = [row["slug"] for row in site.rows("projects", most=1000)["items"]]
    if project not in own:
        raise NotFound(
            _("There is no project “%(project)s” among yours. You have: %(own)s.")
            % {"project": project, "own": ", ".join(own)}
            if own
            else _("There is no project “%(project)s” among yours: you are in none.") % {"project": project}
        )


def _list(found: dict[str, Any], zone: tzinfo | None) -> str:
    if not found["items"]:
        return _("Nothing is booked.")
    rows = [
        [
            row["uid"], row["project"], _devices(row), moments.span(row["start"], row["end"], zone),
            states.name_of(row["state"]), figures.money(row["quoted_price"]),
        ]
        for row in found["items"]
    ]  # fmt: skip
    head = [_("Id"), _("Project"), _("Devices"), _("Slot"), _("State"), _("Price")]
    shown = terminal.table(head, rows, right=(5,))
    return shown + ("\n" + _("There are more: --limit") if found["next"] else "")


def _devices(row: dict[str, Any]) -> str:
    return f"{len(row['devices'])} × {', '.join(row['nodes'])}"


@command(
    equinode, "show", _("One slot, and what was run in it."),
    ["equinode show 019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa"],
)  # fmt: skip
@click.argument("reservation", metavar=_("RESERVATION"), shell_complete=completing.reservations)
@click.option("--zone", metavar=_("NAME"), help=_("Time zone of what you read; else this machine’s."))
def show(call: Call, reservation: str, zone: str | None) -> None:
    where = zone_named(zone)
    with call.site() as site:
        found = site.get(f"reservations/{uid_in(reservation)}")
        runs = [] if call.as_json else site.get(f"reservations/{found['uid']}/runs")["items"]
        address = site.address
    call.show(found, lambda found: _show(found, runs, address, where))


def _show(found: dict[str, Any], runs: list[dict[str, Any]], address: str, zone: tzinfo | None) -> str:
    lines = [one_slot(found, zone, address)]
    if runs:
        lines += ["", run_table(runs, zone)]
    return "\n".join(lines)


def one_slot(found: dict[str, Any], zone: tzinfo | None = None, address: str = "") -> str:
    pairs: list[tuple[str, object]] = [
        (_("Id"), found["uid"]),
        (_("Project"), found["project"]),
        (_("Devices"), _devices(found)),
        (_("Slot"), moments.span(found["start"], found["end"], zone)),
        (_("State"), states.name_of(found["state"])),
        (_("Price"), figures.money(found["quoted_price"])),
    ]
    if address:
        pairs.append((_("Page"), address + found["url"]))
    if found["cancelled_at"]:
        pairs.append((_("Cancelled"), moments.shown(found["cancelled_at"], zone)))
    return terminal.members(pairs)


def run_table(runs: list[dict[str, Any]], zone: tzinfo | None = None) -> str:
    rows = [
        [
            run["number"], run["uid"], run["node"], states.name_of(run["state"]),
            "–" if run["exit_code"] is None else run["exit_code"],
            moments.shown(run["started_at"], zone), run["outcome"],
        ]
        for run in runs
    ]  # fmt: skip
    head = [_("Run"), _("Id"), _("Node"), _("State"), _("Exit code"), _("Started"), _("Outcome")]
    return terminal.table(head, rows, right=(0, 4))


@command(
    equinode, "cancel",
    _("Give a slot back. Free until 24 h before its start; the slot’s page says what later ones cost."),
    ["equinode cancel 019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa"],
)  # fmt: skip
@click.argument("reservation", metavar=_("RESERVATION"), shell_complete=completing.reservations)
@click.option("--yes", is_flag=True, help=_("Do not ask."))
def cancel(call: Call, reservation: str, yes: bool) -> None:
    with call.site() as site:
        uid = uid_in(reservation)
        if not yes:
            found = site.get(f"reservations/{uid}")
            if not call.as_json:
                terminal.remark(one_slot(found))
            call.require_yes(yes, _("Cancel this?"))
        cancelled = site.delete(f"reservations/{uid}")
    call.show(
        cancelled, lambda found: _("Cancelled. The time is free for others again.") + "\n" + one_slot(found)
    )
