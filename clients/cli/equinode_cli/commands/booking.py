"""Booking: choose devices, show what the site would answer, ask, book."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

import click

from equinode_cli import choosing, completing, figures, moments, terminal, wording
from equinode_cli.call import Call, command
from equinode_cli.choosing import Choice, Slot
from equinode_cli.commands.root import equinode
from equinode_cli.commands.slots import one_slot
from equinode_cli.errors import Misused, Refused
from equinode_cli.job_options import job, job_options, terms_of
from equinode_cli.moments import moment_typed, zone_named
from equinode_cli.naming import uid_in
from equinode_cli.site import Site
from equinode_cli.words import _


@command(
    equinode, "book",
    _(
        "Book devices for a project. Shows the price, the full cost and every rule first, and asks. "
        "A kind of device is taken on the cheapest node that has enough of it free."
    ),
    [
        "equinode book --model h100-sxm5-80 --count 2 --start 14:00 --hours 4",
        'equinode book --project protein-shapes --device 0193… --start "2026-11-24 14:00" --end 18:00',
        "equinode book --model a100-80 --hours 1 --script job.sh --bring-back 'out/*' --yes --json",
    ],
)  # fmt: skip
@click.option(
    "--project",
    metavar=_("PROJECT"),
    shell_complete=completing.projects,
    help=_("For which one; needed if you have several."),
)
@click.option(
    "--model",
    metavar=_("KEY"),
    shell_complete=completing.models,
    help=_("The kind of device, as “equinode nodes” names it."),
)
@click.option(
    "--count",
    type=click.IntRange(1, 256),
    metavar=_("NUMBER"),
    default=1,
    show_default=True,
    help=_("How many of that kind."),
)
@click.option("--node", metavar=_("NODE"), shell_complete=completing.nodes, help=_("Only on this node."))
@click.option("--country", metavar=_("CODE"), help=_("Only on nodes in this country, such as FR."))
@click.option(
    "--device",
    "devices",
    metavar=_("ID"),
    multiple=True,
    shell_complete=completing.devices,
    help=_("This very device; may be repeated."),
)
@click.option(
    "--start",
    default="now",
    show_default=True,
    metavar=_("TIME"),
    help=_("Local time on a quarter of an hour, or now."),
)
@click.option("--end", metavar=_("TIME"), help=_("Local time; or --hours."))
@click.option(
    "--hours",
    type=click.FloatRange(0, 10_000, min_open=True),
    metavar=_("NUMBER"),
    help=_("How long; or --end."),
)
@click.option(
    "--zone", metavar=_("NAME"), help=_("Time zone of what you type and read; else this machine’s.")
)
@click.option(
    "--script",
    metavar=_("FILE"),
    type=click.Path(),
    help=_("What to run first in the slot; - for standard input."),
)
@job_options
@click.option("--preview", is_flag=True, help=_("Only show what would be answered."))
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@click.option(
    "--idempotency-key",
    metavar=_("KEY"),
    default="",
    help=_("Repeating the command with this key, within 24 h, books once."),
)
def book(
    call: Call, *, project: str | None, zone: str | None, preview: bool, yes: bool, idempotency_key: str,
    **asked: Any,
) -> int:  # fmt: skip
    where, now = zone_named(zone), datetime.now(UTC)
    slot = _slot(asked["start"], asked["end"], asked["hours"], where, now)
    work = _job(asked)
    with call.site() as site:
        project = project or _only_project(site)
        choice = _choice(site, asked, slot)
        body: dict[str, Any] = {
            "project": project, "devices": choice.devices, "start": slot.start_sent,
            "end": moments.sent(slot.end),
        }  # fmt: skip
        if preview or not yes:
            answer = site.post("reservations/preview", body)
            if preview:
                call.show(answer, lambda answer: _preview(answer, choice, slot, project, where))
                return 0 if answer["is_granted"] else Refused.exit_code
            _require_granted(answer, choice, slot, project, where, call)
            call.require_yes(yes, _("Book this?"))
        booked = site.post("reservations", {**body, **({"job": work} if work else {})}, key=idempotency_key)
    call.show(booked, lambda booked: _("Booked.") + "\n" + one_slot(booked, where))
    return 0


def _slot(start: str, end: str | None, hours: float | None, zone: tzinfo | None, now: datetime) -> Slot:
    first = None if start == "now" else moment_typed(start, zone, now)
    if hours is not None and end is None:
        return choosing.slot_of_hours(first, hours, now)
    if end is not None and hours is None:
        return choosing.slot(first, moment_typed(end, zone, first or now), now)
    raise Misused(_("How long? Give --end or --hours, one of them."))


def _job(asked: dict[str, Any]) -> dict[str, Any] | None:
    script, shell, variables, files = (asked[n] for n in ("script", "shell", "variables", "bring_back"))
    terms = terms_of(asked)
    said = any((script, shell, variables, files, terms))
    return job(script, shell, variables, files, terms) if said else None


def _only_project(site: Site) -> str:
    found = [one["slug"] for one in site.rows("projects", most=1000)["items"]]
    if len(found) == 1:
        return str(found[0])
    raise Misused(
        _("For which project? Add --project with one of: %(names)s") % {"names": ", ".join(found) or "–"}
    )


def _choice(site: Site, asked: dict[str, Any], slot: Slot) -> Choice:
    if bool(asked["devices"]) == bool(asked["model"]):
        raise Misused(_("Which devices? Give --model and --count, or --device for each."))
    if asked["devices"]:
        return choosing.named(site, [uid_in(one) for one in asked["devices"]])
    country = asked["country"] and asked["country"].upper()
    return choosing.of_kind(
        site, model=asked["model"], count=asked["count"], node=asked["node"], country=country, slot=slot
    )


def _require_granted(
    answer: dict[str, Any], choice: Choice, slot: Slot, project: str, zone: tzinfo | None, call: Call
) -> None:
    """What stands in the way is told now, and nothing is asked of anybody."""
    if not answer["is_granted"]:
        problem = {"code": "refused", "detail": answer["headline"], **answer}
        raise Refused(answer["headline"], problem=problem, below=_nearest(answer, zone))
    if not call.as_json:
        terminal.remark(_preview(answer, choice, slot, project, zone))


def _preview(answer: dict[str, Any], choice: Choice, slot: Slot, project: str, zone: tzinfo | None) -> str:
    quote, level = answer["quote"], answer["level"] or {"before": None, "after": None}
    pairs: list[tuple[str, object]] = [
        (_("Project"), project),
        (_("Devices"), _devices(choice)),
        (_("Slot"), _when(slot, zone)),
    ]
    if quote:
        an_hour = _("%(price)s an hour, fee included") % {"price": figures.price(quote["per_hour"])}
        pairs.append((_("Price"), f"{figures.money(quote['total'])} ({an_hour})"))
        pairs += [
            (_("Paid by"), f"{figures.money(one['amount'])} ({one['name']})") for one in quote["payments"]
        ]
    if choice.full_cost_per_hour is not None:
        pairs.append((_("Full cost"), figures.money(choice.full_cost_per_hour * slot.hours)))
    pairs.append((_("Level"), f"{figures.ratio(level['before'])} → {figures.ratio(level['after'])}"))
    lines = [terminal.members(pairs), "", answer["headline"], *wording.rules(answer["rules"])]
    return "\n".join([*lines, *_nearest(answer, zone)])


def _devices(choice: Choice) -> str:
    places = ", ".join(
        f"{one['slug']} ({one['site']['name']}, {one['site']['country']})" for one in choice.nodes
    )
    models = {
        one["model"] for node in choice.nodes for one in node["devices"] if one["uid"] in choice.devices
    }
    return f"{len(choice.devices)} × {' / '.join(sorted(models)) or '?'}, {places or '?'}"


def _when(slot: Slot, zone: tzinfo | None) -> str:
    start = moments.sent(slot.first)
    length = moments.lasting(float(slot.hours) * 3600)
    told = f"{moments.span(start, moments.sent(slot.end), zone)} ({length})"
    return _("now: %(slot)s") % {"slot": told} if slot.start is None else told


def _nearest(answer: dict[str, Any], zone: tzinfo | None) -> list[str]:
    near = answer.get("nearest")
    if not near:
        return []
    start = moments.received(near["start"]).astimezone(zone)
    end = moments.received(near["end"]).astimezone(zone)
    costs = {"price": figures.money(near["total"])}
    return [
        _("The nearest slot that passes on these devices costs %(price)s:") % costs,
        f'  --start "{start:%Y-%m-%d %H:%M}" --end "{end:%Y-%m-%d %H:%M}"',
    ]
