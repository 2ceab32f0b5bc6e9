"""`manage.py simulate TRACE --policy FILE`: what a policy would have made of a real job trace."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reservations.domain import exact_json
from reservations.domain.laboratory.booking import Person
from reservations.domain.laboratory.experiment import COURSES, Experiment, Machine, Report, TooLarge, prepare
from reservations.domain.laboratory.requests import LEAD, Assumptions, lead_faults
from reservations.management.laboratory import reading
from reservations.management.laboratory.page import page_of
from reservations.management.laboratory.table import NAMES, lines_of


class Command(BaseCommand):
    help = "Play a job trace through a policy, and through queues beside it. docs/policy-laboratory.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trace", type=Path, help=".csv or .swf, also .gz")
        parser.add_argument("--policy", type=Path, help="JSON as /policy.json has it; else a fresh site's")
        parser.add_argument("--json", type=Path, dest="report", help="write the whole report there")
        parser.add_argument("--page", type=Path, help="write a page with charts there, whole in one file")
        _add_assumptions(parser)
        _add_machine(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        policy = reading.policy_at(options["policy"])
        groups = reading.groups_at(options["groups"])
        trace, digest = reading.trace_at(options["trace"])
        try:
            experiment = prepare(
                trace, policy=policy, machine=_machine(options),
                assumed=Assumptions(
                    options["seed"], lead=options["lead"], cpus_per_device=options["cpus_per_device"],
                    groups=groups,
                ),
                person=Person(options["patience_hours"], options["again_hours"], options["look_hours"]),
            )  # fmt: skip
        except TooLarge as exc:
            raise CommandError(f"{exc}; say --cpus-per-device or --devices") from exc
        report = self._played(experiment, digest, options["courses"] or COURSES)
        for line in lines_of(report):
            self.stdout.write(line)
        self._kept(report, options)

    def _played(self, experiment: Experiment, digest: str, names: list[str] | tuple[str, ...]) -> Report:
        if not experiment.asks:
            raise CommandError("no job of the trace fits the cluster; say --devices or --gpus")
        courses = []
        for name in names:
            with _bar(NAMES[name], len(experiment.asks)) as tick:
                courses.append(experiment.course(name, tick))
        return experiment.report(courses, digest)

    def _kept(self, report: Report, options: dict[str, Any]) -> None:
        if options["report"]:
            options["report"].write_bytes(exact_json.canonical(report.to_json()) + b"\n")
        if options["page"]:
            options["page"].write_text(page_of(report, title=options["trace"].name), "utf-8")


@contextmanager
def _bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """On standard error, so that the table can be piped."""
    with click.progressbar(length=length, label=label.ljust(26), file=sys.stderr) as bar:
        so_far = 0

        def tick(done: int) -> None:
            nonlocal so_far
            if done - so_far >= length // 200 or done == length:
                bar.update(done - so_far)
                so_far = done

        yield tick


def _add_assumptions(parser: CommandParser) -> None:
    parser.add_argument("--seed", default="equinode", help="of leads, classes and shares")
    parser.add_argument(
        "--lead", type=_lead, default=LEAD, metavar="PERCENT:HOURS,...",
        help="so many requests are made so many hours ahead or less; 100:0 for none ahead",
    )  # fmt: skip
    parser.add_argument("--groups", type=Path, help="JSON: each group's class and shares; others are drawn")
    parser.add_argument("--patience-hours", type=_whole(0), default=Person.patience_hours)
    parser.add_argument("--again-hours", type=_whole(1), default=Person.again_hours)
    parser.add_argument("--look-hours", type=_whole(0), default=Person.look_hours)
    parser.add_argument("--course", dest="courses", action="append", choices=COURSES, help="only these")


def _add_machine(parser: CommandParser) -> None:
    parser.add_argument("--devices", type=_whole(1), help="CPU devices of the modelled cluster")
    parser.add_argument("--gpus", type=_whole(1), help="GPUs of the modelled cluster")
    parser.add_argument("--load", type=_part, help="size it so that the work is this part of it: 0.9")
    parser.add_argument("--cpus-per-device", type=_whole(1), default=Assumptions.cpus_per_device)
    parser.add_argument("--node-cpus", type=_whole(1), default=Machine.node_cpus)
    parser.add_argument("--node-gpus", type=_whole(1), default=Machine.node_gpus)
    parser.add_argument(
        "--gpu-weight", type=_part, default=Machine.gpu_weight, help="CPU hours a GPU hour counts"
    )
    parser.add_argument("--zone", type=_zone, default=Machine.zone, help="of the cluster's peak hours")


def _machine(options: dict[str, Any]) -> Machine:
    return Machine(
        options["devices"], options["gpus"], options["load"], options["gpu_weight"], options["node_cpus"],
        options["node_gpus"], options["zone"],
    )  # fmt: skip


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
            raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of {least} or more")
        return int(text)

    return read


def _part(text: str) -> Fraction:
    try:
        value = Fraction(text) if len(text) < 20 and "e" not in text.lower() else Fraction(0)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= 1_000_000 or 1_000_000 % value.denominator:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number above 0 with six decimals at most")
    return value


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone; expected such as Europe/Berlin") from exc
    return text


def _lead(text: str) -> tuple[tuple[int, int], ...]:
    expected = "expected such as 50:0,85:24,100:168"
    try:
        pairs = [entry.split(":") for entry in text.split(",")]
        table = tuple((int(percent), int(hours)) for percent, hours in pairs)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r}; {expected}") from exc
    if faults := [*lead_faults(table)]:
        raise argparse.ArgumentTypeError(f"{text!r}; {' and '.join(faults)}; {expected}")
    return table
