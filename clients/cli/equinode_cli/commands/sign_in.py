"""Signing in to sites and out again, and the script for a shell's Tab."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from typing import Any
from urllib.parse import urlencode

import click
from click.shell_completion import get_completion_class

from equinode_cli import completing, moments, profiles, states, terminal
from equinode_cli.address import site_address
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.errors import CliError, Misused, NotSignedIn, SiteAway
from equinode_cli.profiles import Profile
from equinode_cli.site import Site
from equinode_cli.words import _

# What the commands need: looking, booking, running jobs. More is for who wants it.
WANTED_SCOPES = ("read", "book", "run", "projects")


@command(
    equinode,
    "login",
    _(
        "Sign in to a site with a token. It is asked for, or read from standard input; it is never given on "
        "the command line, where others can read it. It is kept in a file that only you can read."
    ),
    ["equinode login https://equinode.example", "equinode login equinode.example --profile work < token.txt"],
)
@click.argument("site", metavar=_("[SITE]"), required=False)
def login(call: Call, site: str | None) -> None:
    known = profiles.load()
    address = site_address(site or os.environ.get("EQUINODE_SITE") or _ask_site(known))
    name = profiles.valid_name(call.profile) if call.profile else known.name_for(address)
    token = _ask_token(address)
    with Site(address, token) as there:
        me = there.get("me")
        if not isinstance(me, dict) or "email" not in me:
            raise SiteAway(_("%(site)s is no Equinode site.") % {"site": address})
    profiles.store(known.with_profile(name, Profile(address, token)))
    call.show(me, lambda me: _signed_in(me, address, name))


def _ask_site(known: profiles.Profiles) -> str:
    if not sys.stdin.isatty():
        raise Misused(_("Which site? Write: equinode login https://equinode.example"))
    present = known.by_name.get(known.default)
    return str(click.prompt(_("Address of the site"), default=present.site if present else None, err=True))


def _ask_token(address: str) -> str:
    if sys.stdin.isatty():
        asked = urlencode({"name": f"equinode, {platform.node()}", "scopes": WANTED_SCOPES}, doseq=True)
        terminal.remark(_("Make a token at %(address)s") % {"address": f"{address}/me/tokens/?{asked}"})
        token = getpass.getpass(_("Token (it is not shown): "))
    else:
        token = sys.stdin.readline()
    if not token.strip():
        raise NotSignedIn(_("No token was given: nothing has changed."))
    return token.strip()


def _signed_in(me: dict[str, Any], address: str, name: str) -> str:
    lines = [_("Signed in to %(site)s as %(person)s.") % {"site": address, "person": _person(me)}]
    if token := me.get("token"):
        lines.append(
            _("The token “%(name)s” may %(scopes)s, until %(day)s.")
            % {
                "name": token["name"],
                "scopes": ", ".join(token["scopes"]),
                "day": moments.shown(token["expires_at"]),
            }
        )
    lines.append(_("Kept as profile “%(name)s” in %(file)s.") % {"name": name, "file": profiles.file()})
    return "\n".join(lines)


def _person(me: dict[str, Any]) -> str:
    return f"{me['name']} ({me['email']})" if me["name"] else str(me["email"])


@command(
    equinode,
    "logout",
    _("Forget the token of a site. With --revoke the site forgets it too."),
    ["equinode logout", "equinode logout --profile work --revoke"],
)
@click.option(
    "--revoke", is_flag=True, help=_("Make the token useless for everybody; needs the scope “tokens”.")
)
def logout(call: Call, revoke: bool) -> None:
    known = profiles.load()
    name = call.profile or os.environ.get("EQUINODE_PROFILE") or known.default
    profile = known.by_name.get(name)
    if profile is None:
        raise NotSignedIn(_("You are signed in nowhere under that name."))
    if revoke and profile.token:
        with Site(profile.site, profile.token) as site:
            site.delete(f"me/tokens/{site.get('me')['token']['uid']}")
    profiles.store(known.without(name))
    call.show(
        {"profile": name, "site": profile.site},
        lambda out: _("Signed out of %(site)s.") % {"site": out["site"]},
    )


@command(equinode, "whoami", _("Who you are at the site, and what your token may do."), ["equinode whoami"])
def whoami(call: Call) -> None:
    with call.site() as site:
        me, address = site.get("me"), site.address
    call.show(me, lambda me: _whoami(me, address))


def _whoami(me: dict[str, Any], address: str) -> str:
    def groups(name: str) -> str:
        return ", ".join(f"{one['slug']} ({states.name_of(one['role'])})" for one in me[name]) or "–"

    pairs = [
        (_("Site"), address),
        (_("Person"), _person(me)),
        (_("Projects"), groups("projects")),
        (_("Organisations"), groups("organisations")),
    ]
    if token := me.get("token"):
        pairs += [
            (_("Token"), token["name"]),
            (_("It may"), ", ".join(token["scopes"])),
            (_("It reaches"), token["project"] or _("all your projects")),
            (_("It expires"), moments.shown(token["expires_at"])),
        ]
    return terminal.members(pairs)


@command(
    equinode,
    "profiles",
    _("Your sites. With a name: make that one the default."),
    ["equinode profiles", "equinode profiles work"],
)
@click.argument("name", metavar=_("[NAME]"), required=False, shell_complete=completing.profile_names)
def profiles_(call: Call, name: str | None) -> None:
    known = profiles.load()
    if name is not None:
        profile = known.by_name.get(name)
        if profile is None:
            raise NotSignedIn(_("There is no profile “%(name)s”.") % {"name": name})
        known = known.with_profile(name, profile)
        profiles.store(known)
    rows = [
        {"name": name, "site": profile.site, "is_default": name == known.default}
        for name, profile in known.by_name.items()
    ]
    call.show(rows, _profiles)


def _profiles(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return _("You are signed in nowhere. Sign in with: equinode login")
    return terminal.table(
        ["", _("Profile"), _("Site")],
        [["*" if row["is_default"] else "", row["name"], row["site"]] for row in rows],
    )


@equinode.command(
    "completion",
    help=_("Print the script that teaches a shell the Tab key.")
    + "\n\n\b\n"
    + _("Examples:")
    + "\n  echo 'eval \"$(equinode completion bash)\"' >> ~/.bashrc"
    + "\n  echo 'eval \"$(equinode completion zsh)\"' >> ~/.zshrc"
    + "\n  equinode completion fish > ~/.config/fish/completions/equinode.fish",
    short_help=_("Print the script that teaches a shell the Tab key"),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    found = get_completion_class(shell)
    if found is None:
        raise CliError(_("click knows no such shell."))
    terminal.say(found(equinode, {}, "equinode", "_EQUINODE_COMPLETE").source().rstrip())
