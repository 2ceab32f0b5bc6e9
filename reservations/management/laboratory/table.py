"""A report as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from reservations.domain.laboratory.experiment import Report
from reservations.domain.laboratory.outcomes import EVERYBODY, Outcome

NAMES = {
    "recorded": "as recorded",
    "equinode": "this site's policy",
    "fcfs": "first come, first served",
    "fcfs_backfill": "the same with backfill",
    "fair_tree": "Fair Tree queue, backfill",
}
_HEAD = (
    "", "started", "refused", "moved", "mean wait", "median", "90 %", "99 %", "used", "Jain", "by window",
    "short", "floor kept",
)  # fmt: skip


def lines_of(report: Report) -> Iterator[str]:
    pools = ", ".join(f"{pool.devices:,} {pool.name} ({pool.sized_by})" for pool in report.pools)
    yield (
        f"{report.requests:,} requests of {report.projects} projects in {_short(report.days)} days"
        f" on {pools}; load {_percent(report.load)}"
    )
    changed = {**report.left_out, **report.noted}
    if told := ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in changed.items() if count):
        yield f"left out or changed: {told}"
    yield ""
    yield from _aligned([_HEAD, *(_row(outcome) for outcome in report.outcomes)])
    classes = [waits.project_class for waits in report.outcomes[0].waits if waits.project_class != EVERYBODY]
    yield ""
    yield "mean wait and started jobs by class"
    yield from _aligned([("", *classes), *(_by_class(outcome) for outcome in report.outcomes)])
    for outcome in report.outcomes:
        if outcome.refused_at_first or outcome.refused_for_good:
            yield f"{NAMES[outcome.name]}, refused at first by: {_counts(outcome.refused_at_first)}"
            yield f"{NAMES[outcome.name]}, refused for good by: {_counts(outcome.refused_for_good)}"
    yield ""
    yield f"trace   {report.trace}"
    yield f"policy  {report.policy}, engine {report.engine}, seed {report.assumed.seed!r}"
    yield f"report  {report.digest}"


def _row(outcome: Outcome) -> tuple[str, ...]:
    waits = outcome.waits[0]
    return (
        NAMES[outcome.name], f"{outcome.started:,}", f"{outcome.refused:,}", f"{outcome.moved:,}",
        time_of(waits.mean), time_of(waits.median), time_of(waits.ninety), time_of(waits.ninety_nine),
        _percent(outcome.utilisation), _index(outcome.jain), _index(outcome.jain_by_window),
        _percent(outcome.shortfall), _percent(outcome.floor_kept),
    )  # fmt: skip


def _by_class(outcome: Outcome) -> tuple[str, ...]:
    of_classes = [waits for waits in outcome.waits if waits.project_class != EVERYBODY]
    return (NAMES[outcome.name], *(f"{time_of(waits.mean)} ({waits.jobs:,})" for waits in of_classes))


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first = row[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  ".join([first, *rest])


def time_of(seconds: Decimal | int) -> str:
    """0 s, 59 s, 3 min, 1.5 h, 2.0 d."""
    amount = Decimal(seconds)
    for below, unit, size in ((60, "s", 1), (3600, "min", 60), (86_400, "h", 3600)):
        if amount < below:
            digits = 1 if unit == "h" else 0
            return f"{amount / size:.{digits}f} {unit}"
    return f"{amount / 86_400:.1f} d"


def _counts(by_rule: dict[str, int]) -> str:
    return ", ".join(f"{rule} {count:,}" for rule, count in by_rule.items()) or "none"


def _percent(part: Decimal | None) -> str:
    return "-" if part is None else f"{part * 100:.1f} %"


def _index(index: Decimal | None) -> str:
    return "-" if index is None else f"{index:.3f}"


def _short(number: Decimal) -> str:
    return f"{number:.1f}"
