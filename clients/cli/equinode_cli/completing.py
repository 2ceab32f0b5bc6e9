"""What a shell offers for Tab: projects, nodes, devices, slots. Quietly nothing where it cannot ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import httpx
from click.shell_completion import CompletionItem

from equinode_cli import profiles
from equinode_cli.errors import CliError
from equinode_cli.site import Site

_SECONDS = 3.0  # longer than this nobody waits for a Tab
_MOST = 200

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def profile_names(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    try:
        known = profiles.load().by_name
    except CliError:
        return []
    return [CompletionItem(name, help=one.site) for name, one in known.items() if name.startswith(typed)]


def _of(path: str, found: Callable[[dict[str, Any]], list[tuple[str, str]]]) -> Completer:
    """Completes with what `found` reads from each row of a list: the word, and what stands beside it."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        try:
            chosen = profiles.chosen(context.params.get("profile"))
            with Site(
                chosen.site, chosen.token, patience=0, connect_patience=0, answer_seconds=_SECONDS
            ) as site:
                rows = site.rows(path, most=_MOST)["items"]
            words = {word: beside for row in rows for word, beside in found(row)}
        except (CliError, httpx.HTTPError, LookupError, TypeError):
            return []
        return [CompletionItem(word, help=beside) for word, beside in words.items() if word.startswith(typed)]

    return complete


projects = _of("projects", lambda row: [(row["slug"], row["name"])])
nodes = _of("nodes", lambda row: [(row["slug"], row["name"])])
models = _of("nodes", lambda row: [(device["model_key"], device["model"]) for device in row["devices"]])
devices = _of("nodes", lambda row: [(device["uid"], device["model"]) for device in row["devices"]])
reservations = _of(
    "reservations", lambda row: [(row["uid"], f"{row['project']} {row['start']} {row['state']}")]
)
tokens = _of("me/tokens", lambda row: [(row["uid"], row["name"])])
