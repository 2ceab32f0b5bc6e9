"""What every command has: which site, and how it answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from equinode_cli import completing, profiles, terminal
from equinode_cli.errors import Misused, NotSignedIn
from equinode_cli.moments import lasting
from equinode_cli.site import Site
from equinode_cli.words import _


@dataclass
class Manner:
    """How this call wants to be told of a refusal; known once its options are read."""

    as_json: bool = False


@dataclass(frozen=True)
class Call:
    """One call of one command."""

    profile: str | None
    as_json: bool

    def site(self, *, signed_in: bool = True, patience: float = 60.0) -> Site:
        """The chosen site. What is public can be read without a token."""
        chosen = profiles.chosen(self.profile)
        if signed_in and chosen.token is None:
            raise NotSignedIn(
                _("You are not signed in to %(site)s. Sign in with: equinode login %(site)s")
                % {"site": chosen.site}
            )
        return Site(chosen.site, chosen.token, on_wait=_say_pause, patience=patience)

    def show(self, answer: Any, people: Callable[[Any], str]) -> None:
        if self.as_json:
            terminal.say_json(answer)
        else:
            terminal.say(people(answer))

    def require_yes(self, yes: bool, question: str) -> None:
        """Ask before something is done; a program has to have said --yes."""
        if yes:
            return
        if self.as_json or not sys.stdin.isatty():
            raise Misused(_("Nobody is here to answer “%(question)s”: add --yes.") % {"question": question})
        if not click.confirm(terminal.one_line(question), err=True):
            raise click.Abort


def _say_pause(seconds: float) -> None:
    if seconds >= 1:
        terminal.progress(
            _("The site is busy or away; asking again in %(time)s.") % {"time": lasting(seconds)}
        )


def command(
    group: click.Group, name: str, text: str, examples: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with --json and --profile, whose help ends in examples. It is given a `Call` first."""

    def made(function: Callable[..., Any]) -> click.Command:
        def run(json: bool, profile: str | None, **options: Any) -> Any:
            click.get_current_context().ensure_object(Manner).as_json = json
            return function(Call(profile, json), **options)

        # As click's decorators leave them: the last one first.
        run.__click_params__ = [  # type: ignore[attr-defined]
            click.Option(
                ["--profile"], metavar=_("NAME"), shell_complete=completing.profile_names,
                help=_("Which of your sites, where you have several."),
            ),
            click.Option(["--json"], is_flag=True, help=_("Answer as the API does, for programs.")),
            *getattr(function, "__click_params__", ()),
        ]  # fmt: skip
        short = text.partition(". ")[0].rstrip(".")
        return group.command(name, help=_with_examples(text, examples), short_help=short)(run)

    return made


def _with_examples(text: str, examples: Sequence[str]) -> str:
    if not examples:
        return text
    lines = "\n".join(f"  {example}" for example in examples)
    return text + "\n\n\b\n" + _("Examples:") + "\n" + lines
