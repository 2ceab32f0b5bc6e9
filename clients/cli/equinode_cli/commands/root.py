"""`equinode` itself: its commands in the order in which they are used, and the exit codes."""

from __future__ import annotations

import click

from equinode_cli import __version__
from equinode_cli.words import _

ORDER = (
    "login", "whoami", "nodes", "prices", "projects", "book", "list", "show", "cancel", "submit", "runs",
    "stop", "logs", "files", "tokens", "profiles", "completion", "logout",
)  # fmt: skip
EXIT_CODES = (
    (0, _("done")),
    (1, _("refused: by a rule, a right or the state of a thing")),
    (2, _("usage: what was typed cannot be meant")),
    (3, _("not signed in, or with a token that is not good for this")),
    (4, _("not found, or not yours to see")),
    (5, _("the site cannot be reached or cannot answer")),
    (6, _("the job did not end by itself: stopped, lost or never run")),
    (7, _("a file could not be kept as it was sent")),
    (130, _("interrupted")),
)


class Ordered(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(self.commands, key=ORDER.index)


def _codes() -> str:
    lines = "\n".join(f"  {code:3}  {meaning}" for code, meaning in EXIT_CODES)
    return (
        "\b\n"
        + _("Exit codes:")
        + f"\n{lines}\n\n"
        + _("“submit --wait” ends with the exit code of the job.")
        + "\n\n"
        + _(
            "EQUINODE_SITE, EQUINODE_TOKEN and EQUINODE_PROFILE stand above what “login” stored. "
            "Messages are in the language of LANG: English or French."
        )
        + "\n\n"
        + _(
            "Times that you read and type are in the time zone of this machine, which is named beside them,"
            " whatever zone your account has on the site; “book”, “list” and “show” take --zone for another."
        )
    )


@click.group(
    cls=Ordered,
    help=_("Compute at its published cost: look at prices, book time on nodes, run jobs, fetch their files."),
    epilog=_codes(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="equinode")
def equinode() -> None:
    pass
