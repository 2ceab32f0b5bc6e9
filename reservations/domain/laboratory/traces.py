"""A job trace as it was recorded: lines of CSV or of the Standard Workload Format in, jobs out.

SWF: D. G. Feitelson, "The Standard Workload Format", version 2.2, Parallel Workloads Archive.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

COLUMNS = ("job_id", "user", "group", "submit_s", "wait_s", "runtime_s", "requested_s", "gpus", "cpus")
CSV, SWF = "csv", "swf"

# Beyond these a number is a mistake of the file, and would only fill memory.
LATEST = 4_102_444_800  # 2100-01-01
LONGEST = 20 * 366 * 86_400
LARGEST = 1_000_000
MOST_JOBS = 2_000_000
# Moments before 1980 are seconds since the trace began; they are placed on a Monday, for weeks matter.
_UNDATED = 315_532_800
MONDAY = 1_704_067_200  # 2024-01-01 00:00 UTC

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)

# Why a row is left out, in the order in which it is looked for.
NO_RUN_TIME, NO_DEVICES = "no_run_time", "no_devices"


class BadTrace(ValueError):
    """The file is no trace; says in which line, and what is expected there."""

    def __init__(self, line: int, found: str) -> None:
        super().__init__(f"line {line}: {found}" if line else found)
        self.line = line


@dataclass(frozen=True, slots=True)
class Job:
    """What one row says. Seconds; None where the row says nothing."""

    number: int  # of the row
    user: str
    group: str
    submitted: int
    waited: int | None
    ran: int
    requested: int | None
    cpus: int
    gpus: Fraction


@dataclass(frozen=True)
class Trace:
    """Its jobs in the order of submission, and how many rows are left out, by reason."""

    jobs: tuple[Job, ...]
    left_out: Mapping[str, int]
    processors: int | None  # what the header says the machine had


def read(lines: Iterable[str], form: str) -> Trace:
    """Raises BadTrace at the first line that is not as the form wants it."""
    noted: dict[str, int] = {}
    rows = _swf(lines, noted) if form == SWF else _csv(lines)
    jobs: list[Job] = []
    left_out: Counter[str] = Counter()
    for found in rows:
        if isinstance(found, str):
            left_out[found] += 1
        elif len(jobs) == MOST_JOBS:
            raise BadTrace(found.number, f"more than {MOST_JOBS:,} jobs; cut the file")
        else:
            jobs.append(found)
    if not jobs:
        raise BadTrace(0, "the trace has no job that ran")
    jobs.sort(key=lambda job: (job.submitted, job.number))
    return Trace(tuple(_dated(jobs)), dict(sorted(left_out.items())), noted.get("MaxProcs"))


def _dated(jobs: Sequence[Job]) -> Iterator[Job]:
    shift = MONDAY if jobs[0].submitted < _UNDATED else 0
    for job in jobs:
        yield Job(
            job.number, job.user, job.group, job.submitted + shift, job.waited, job.ran, job.requested,
            job.cpus, job.gpus,
        )  # fmt: skip


def _csv(lines: Iterable[str]) -> Iterator[Job | str]:
    reader = csv.reader(lines)
    try:
        header = next(reader, [])
        if missing := [name for name in COLUMNS if name not in header]:
            raise BadTrace(1, f"the header lacks {', '.join(missing)}; expected {','.join(COLUMNS)}")
        place = [header.index(name) for name in COLUMNS]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise BadTrace(reader.line_num, f"{len(row)} fields; the header has {len(header)}")
            yield _job(reader.line_num, [row[at] for at in place])
    except csv.Error as exc:
        raise BadTrace(reader.line_num, f"not CSV: {exc}") from exc


# Where SWF has what COLUMNS name, counted from 0; it knows no GPUs. Processors are those the job was given.
_SWF_FIELDS = 18
_SWF_PLACES = (0, 11, 12, 1, 2, 3, 8, None, 4)
_SWF_PROCESSORS_ASKED = 7


def _swf(lines: Iterable[str], noted: dict[str, int]) -> Iterator[Job | str]:
    origin = 0
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(";"):
            _note(line, noted)
            origin = noted.get("UnixStartTime", 0)
            continue
        fields = line.split()
        if not fields:
            continue
        if len(fields) != _SWF_FIELDS:
            raise BadTrace(number, f"{len(fields)} fields; a line of SWF has {_SWF_FIELDS}")
        known = ["" if field == "-1" else field for field in fields]
        row = ["" if place is None else known[place] for place in _SWF_PLACES]
        row[-1] = row[-1] or known[_SWF_PROCESSORS_ASKED]
        yield _job(number, row, origin)


def _note(line: str, noted: dict[str, int]) -> None:
    """Keep a header's number: `; MaxProcs: 2004`."""
    name, _, value = line.strip("; \t\r\n").partition(":")
    if name in ("MaxProcs", "UnixStartTime") and value.strip().isdigit():
        noted[name] = int(value)


def _job(number: int, row: Sequence[str], origin: int = 0) -> Job | str:
    """The job of a row, or why it is left out. `row` is in the order of COLUMNS."""
    _, user, group, submit, wait, runtime, requested, gpus, cpus = row
    submitted = _whole(number, "submit_s", submit, LATEST)
    if submitted is None:
        raise BadTrace(number, "submit_s is empty; expected seconds")
    waited = _whole(number, "wait_s", wait, LONGEST)
    ran = _whole(number, "runtime_s", runtime, LONGEST)
    asked = _whole(number, "requested_s", requested, LONGEST)
    processors = _whole(number, "cpus", cpus, LARGEST)
    accelerators = _number(number, "gpus", gpus, LARGEST)
    if not ran:
        return NO_RUN_TIME
    if not processors and not accelerators:
        return NO_DEVICES
    return Job(
        number, user, group, _dated_at(number, submitted, origin), waited, ran, asked or None,
        processors or 0, Fraction(accelerators or 0),
    )  # fmt: skip


def _dated_at(number: int, submitted: int, origin: int) -> int:
    if origin + submitted > LATEST:
        raise BadTrace(number, f"submit_s is {origin + submitted}; expected at most {LATEST}")
    return origin + submitted


def _whole(line: int, name: str, text: str, most: int) -> int | None:
    """Parts of a unit count as a whole one."""
    found = _number(line, name, text, most)
    return None if found is None else -(-found.numerator // found.denominator)


def _number(line: int, name: str, text: str, most: int) -> int | Fraction | None:
    text = text.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadTrace(line, f"{name} is {text[:40]!r}; expected a number")
    # Most are whole, and reading a fraction takes ten times as long.
    value = int(text) if text.isdigit() else Fraction(text)
    if value < 0:
        raise BadTrace(line, f"{name} is {text}; expected 0 or more, or nothing where it is not known")
    if value > most:
        raise BadTrace(line, f"{name} is {text}; expected at most {most}")
    return value


def form_of(name: str) -> str | None:
    """By the file's name, with or without .gz; None for neither."""
    ending = PurePath(name.lower().removesuffix(".gz")).suffix.lstrip(".")
    return ending if ending in (CSV, SWF) else None
