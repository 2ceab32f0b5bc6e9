"""Your projects: what they are, their place and what is left of their budgets."""

from __future__ import annotations

from typing import Any

import click

from equinode_cli import completing, figures, moments, states, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.words import _


@command(
    equinode,
    "projects",
    _("Your projects. With a name: its level, room and budgets."),
    ["equinode projects", "equinode projects protein-shapes"],
)
@click.argument("project", metavar=_("[PROJECT]"), required=False, shell_complete=completing.projects)
def projects(call: Call, project: str | None) -> None:
    with call.site() as site:
        if project is not None:
            call.show(site.get(f"projects/{project}"), _one)
        else:
            call.show(site.rows("projects", most=1000), lambda found: _all(found["items"]))


def _all(found: list[dict[str, Any]]) -> str:
    if not found:
        return _("You are in no project yet: apply for one or accept an invitation on the site.")
    rows = [
        [
            row["slug"], row["name"], states.name_of(row["role"]), states.name_of(row["project_class"]),
            _("yes") if row["may_book"] else _("no"), moments.shown(row["expires_at"]),
        ]
        for row in found
    ]  # fmt: skip
    return terminal.table(
        [_("Project"), _("Name"), _("Your role"), _("Class"), _("May book"), _("Until")], rows
    )


def _one(found: dict[str, Any]) -> str:
    pairs: list[tuple[str, object]] = [
        (_("Project"), f"{found['name']} ({found['slug']})"),
        (_("Your role"), states.name_of(found["role"])),
        (_("May book"), _("yes") if found["may_book"] else found["suspension_reason"] or _("no")),
        (_("Until"), moments.shown(found["expires_at"])),
    ]
    if place := found["place"]:
        rank = _("%(rank)d of %(all)d") % {"rank": place["rank"], "all": place["of"]}
        pairs += [(_("Level"), figures.ratio(place["level"])), (_("Rank"), rank)]
    if room := found["room"]:
        left = _("%(left)s of %(limit)s cost-weighted hours") % {
            "left": figures.hours(room["left"]),
            "limit": figures.hours(room["limit"]),
        }
        pairs.append((_("Room"), left))
    pairs += [
        (
            _("Budget"),
            _("%(left)s of %(amount)s left, %(name)s")
            % {
                "left": figures.money(one["left"]),
                "amount": figures.money(one["amount"]),
                "name": f"{one['name']} ({one['funder']})",
            },
        )
        for one in found["budgets"]
    ]
    return terminal.members(pairs)
