"""Tokens for programs: made, listed, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from equinode_cli import completing, moments, states, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.naming import uid_in
from equinode_cli.words import _


@equinode.group("tokens", help=_("Tokens for your programs; needs a token with the scope “tokens”."))
def tokens() -> None:
    pass


@command(tokens, "list", _("Your tokens, without their secrets."), ["equinode tokens list --all"])
@click.option("--all", "every", is_flag=True, help=_("Expired and revoked ones too."))
def list_(call: Call, every: bool) -> None:
    with call.site() as site:
        found = site.rows("me/tokens", most=1000, state="all" if every else "live")
    call.show(found, lambda found: _list(found["items"]))


def _list(found: list[dict[str, Any]]) -> str:
    if not found:
        return _("You have no token.")
    rows = [
        [
            one["uid"], one["name"], one["hint"] + "…", ", ".join(one["scopes"]), one["project"] or _("all"),
            states.name_of(one["state"]), moments.shown(one["expires_at"]),
            moments.shown(one["last_used_at"]),
        ]
        for one in found
    ]  # fmt: skip
    head = [
        _("Id"),
        _("Name"),
        _("Begins"),
        _("It may"),
        _("Project"),
        _("State"),
        _("Expires"),
        _("Last used"),
    ]
    return terminal.table(head, rows)


@command(
    tokens, "create",
    _("Make a token. Its secret is written to standard output, this once; all else to standard error."),
    [
        "equinode tokens create laptop --scope read --scope book --scope run",
        "equinode tokens create ci --scope read --project protein-shapes --days 30 > token.txt",
    ],
)  # fmt: skip
@click.argument("name", metavar=_("NAME"))
@click.option(
    "--scope",
    "scopes",
    metavar=_("SCOPE"),
    multiple=True,
    required=True,
    help=_("What it may do: read, book, run, projects …"),
)
@click.option(
    "--project",
    metavar=_("PROJECT"),
    shell_complete=completing.projects,
    help=_("The only project that it reaches."),
)
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    metavar=_("NUMBER"),
    default=90,
    show_default=True,
    help=_("How long it is good for."),
)
def create(call: Call, name: str, scopes: tuple[str, ...], project: str | None, days: int) -> None:
    expires = datetime.now(UTC) + timedelta(days=days)
    with call.site() as site:
        made = site.post(
            "me/tokens",
            {"name": name, "scopes": list(scopes), "project": project, "expires_at": moments.sent(expires)},
        )
    if call.as_json:
        terminal.say_json(made)
        return
    terminal.remark(
        _("The token “%(name)s” is good until %(day)s. It is shown this once:")
        % {"name": made["name"], "day": moments.shown(made["expires_at"])}
    )
    terminal.say(made["token"] or "")


@command(
    tokens, "revoke", _("Make a token useless, from now on and for everybody."),
    ["equinode tokens revoke 019306b0-9d10-7f7e-8e0b-4c1d2e3f4a5b"],
)  # fmt: skip
@click.argument("token", metavar=_("TOKEN"), shell_complete=completing.tokens)
@click.option("--yes", is_flag=True, help=_("Do not ask."))
def revoke(call: Call, token: str, yes: bool) -> None:
    with call.site() as site:
        uid = uid_in(token)
        if not yes:
            found = site.get(f"me/tokens/{uid}")
            call.require_yes(yes, _("Revoke “%(name)s”?") % {"name": found["name"]})
        revoked = site.delete(f"me/tokens/{uid}")
    call.show(revoked, lambda found: _("“%(name)s” opens nothing any more.") % {"name": found["name"]})
