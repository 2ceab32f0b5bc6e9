"""What the importing commands share: opening the files, and telling what came of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, OutputWrapper

from common import clock
from pricing.errors import ImportRefused
from pricing.services.hourly import Imported, import_file


def import_paths(
    out: OutputWrapper, content: str, paths: Sequence[Path], *, factors: Path | None = None, **said: str
) -> None:
    """One import for each file; a refusal ends the command and leaves those before it imported."""
    for number, path in enumerate(paths, start=1):
        out.write(f"{path.name} ({number} of {len(paths)}):")
        started = time.perf_counter()
        try:
            with ExitStack() as stack:
                imported = import_file(
                    content=content,
                    file=stack.enter_context(_opened(path)),
                    name=path.name,
                    by=None,
                    at=clock.now(),
                    factors=stack.enter_context(_opened(factors)) if factors else None,
                    **_without_empty(said),
                )
        except ImportRefused as exc:
            raise CommandError(exc.message) from exc
        _tell(out, imported, time.perf_counter() - started)


def _without_empty(said: dict[str, str]) -> Any:
    return {name: value for name, value in said.items() if value}


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as exc:
        raise CommandError(f"Nothing was imported: {path.name} cannot be read ({exc}).") from exc


def _tell(out: OutputWrapper, imported: Imported, seconds: float) -> None:
    if imported.series:
        out.write(f"{'series':<28}{'values':>8}{'missing':>9}{'doubtful':>10}{'added':>8}{'changed':>9}")
    for one in imported.series:
        out.write(
            f"{str(one.series):<28}{one.values:>8}{one.missing:>9}{one.doubtful:>10}"
            f"{one.added:>8}{one.changed:>9}"
        )
    for what, count in imported.left_out.items():
        out.write(f"left out: {count} ({what})")
    out.write(
        f"{len(imported.series)} series, {imported.values} values, {imported.added} added,"
        f" {imported.changed} changed; {imported.values / seconds:,.0f} values a second."
    )
