"""The sites that you are signed in to: one file under XDG_CONFIG_HOME that only you can read.

EQUINODE_SITE and EQUINODE_TOKEN stand above it. A stored token is only ever sent to the site it is for.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from equinode_cli.address import site_address
from equinode_cli.errors import CliError, Misused, NotSignedIn
from equinode_cli.words import _

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """A site, and the token for it; without a token only what is public can be read."""

    site: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Profiles:
    default: str = ""
    by_name: Mapping[str, Profile] = field(default_factory=dict)

    def with_profile(self, name: str, profile: Profile) -> Profiles:
        """It becomes the default: whoever signs in means to go on there."""
        return Profiles(name, {**self.by_name, name: profile})

    def without(self, name: str) -> Profiles:
        left = {other: profile for other, profile in self.by_name.items() if other != name}
        default = self.default if self.default in left else next(iter(left), "")
        return Profiles(default, left)

    def name_for(self, site: str) -> str:
        """The profile that has this site, or a free name after its host."""
        for name, profile in self.by_name.items():
            if profile.site == site:
                return name
        host = re.sub(r"[^A-Za-z0-9._-]+", "-", site.partition("://")[2]).strip("-.") or "site"
        return next(
            name for name in (host, *(f"{host}-{n}" for n in range(2, 99))) if name not in self.by_name
        )


def file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(folder) if os.path.isabs(folder) else Path.home() / ".config"
    return base / "equinode" / "sites.json"


def load() -> Profiles:
    path = file()
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)  # somebody copied it: what others could read, they can no longer
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Profiles(
            str(kept["default"]), {name: Profile(**profile) for name, profile in kept["profiles"].items()}
        )
    except FileNotFoundError:
        return Profiles()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise CliError(
            _("%(file)s cannot be read (%(fault)s). Move it away and sign in again: equinode login")
            % {"file": path, "fault": exc}
        ) from exc


def store(profiles: Profiles) -> None:
    """Whole or not at all: written beside the file, by its owner for its owner, then moved over it."""
    path = file()
    kept: dict[str, Any] = {
        "default": profiles.default,
        "profiles": {name: asdict(profile) for name, profile in profiles.by_name.items()},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=".sites-")  # mode 0600
        try:
            with os.fdopen(number, "w", encoding="utf-8") as out:
                json.dump(kept, out, indent=2)
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as exc:
        raise CliError(_("%(file)s cannot be written: %(fault)s") % {"file": path, "fault": exc}) from exc


def valid_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Misused(
            _("“%(name)s” cannot name a profile: use letters, digits, dots, dashes and underscores.")
            % {"name": name}
        )
    return name


def chosen(name: str | None) -> Profile:
    """The site of this call: --profile, else EQUINODE_SITE, else EQUINODE_PROFILE, else the default."""
    profiles = load()
    token = os.environ.get("EQUINODE_TOKEN") or None
    site = os.environ.get("EQUINODE_SITE") if name is None else None
    if site:
        address = site_address(site)
        known = [profile.token for profile in profiles.by_name.values() if profile.site == address]
        return Profile(address, token or next(iter(known), None))
    name = name or os.environ.get("EQUINODE_PROFILE") or profiles.default
    if not name:
        raise NotSignedIn(_("You are signed in nowhere. Sign in with: equinode login"))
    profile = profiles.by_name.get(name)
    if profile is None:
        raise NotSignedIn(
            _("There is no profile “%(name)s”. Known are: %(names)s.")
            % {"name": name, "names": ", ".join(profiles.by_name) or "–"}
        )
    return Profile(site_address(profile.site), token or profile.token)
