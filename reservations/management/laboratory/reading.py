"""Files that people give the laboratory, with what is wrong with them in a sentence."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

from reservations.domain import linter, policy as policies
from reservations.domain.exact_json import Json
from reservations.domain.laboratory import traces
from reservations.domain.laboratory.requests import Group
from reservations.domain.laboratory.traces import BadTrace, Trace
from reservations.domain.policy import CLASSES, Policy
from reservations.wording import policies as wording

# A file that unpacks to more is no trace, or one to cut first.
MOST_BYTES = 1 << 30
LONGEST_LINE = 4096
MOST_SHARES = 1_000_000


def trace_at(path: Path) -> tuple[Trace, str]:
    """The trace, and the SHA-256 of the file as it is unpacked."""
    form = traces.form_of(path.name)
    if form is None:
        raise CommandError(f"{path}: expected a file ending in .csv, .csv.gz, .swf or .swf.gz")
    digest = hashlib.sha256()
    try:
        with _opened(path) as file:
            return traces.read(_lines(file, digest), form), digest.hexdigest()
    except BadTrace as exc:
        raise CommandError(f"{path}: {exc}") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise CommandError(f"{path} cannot be read: {exc}") from exc


def policy_at(path: Path | None) -> Policy:
    """As /policy.json has it, or its rules alone. Without a file, the policy of a fresh site."""
    if path is None:
        return policies.standard()
    found = _json_at(path)
    rules = found.get("rules", found)
    try:
        policy = Policy.from_json(rules)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise CommandError(f"{path} is no policy: {exc}; expected what /policy.json shows") from exc
    if faults := linter.lint(policy):
        told = "".join(f"\n  {fault.field}: {wording.fault(fault)}" for fault in faults)
        raise CommandError(f"{path} is a policy that no site would publish:{told}")
    return policy


def groups_at(path: Path | None) -> Mapping[str, Group]:
    """`{"name": {"class": "student", "shares": 3}, ...}`; groups that are not named are drawn."""
    if path is None:
        return {}
    return {name: _group(path, name, entry) for name, entry in _json_at(path).items()}


def _group(path: Path, name: str, entry: Json) -> Group:
    expected = f'expected {{"class": one of {", ".join(CLASSES)}, "shares": 1 to {MOST_SHARES:,}}}'
    match entry:
        case {"class": str(code), "shares": int(shares), **others} if code in CLASSES and not others:
            if 0 < shares <= MOST_SHARES and shares is not True:
                return Group(code, shares)
    raise CommandError(f"{path}: group {name} is {json.dumps(entry)[:80]}; {expected}")


def _json_at(path: Path) -> dict[str, Json]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc}") from exc
    except ValueError as exc:
        raise CommandError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise CommandError(f"{path} is JSON, but no object")
    return found


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _lines(file: BinaryIO, digest: hashlib._Hash) -> Iterator[str]:
    """Line by line, so that a file that unpacks without end is noticed before it fills memory."""
    read = number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        read += len(line)
        if len(line) > LONGEST_LINE:
            raise BadTrace(number, f"longer than {LONGEST_LINE:,} bytes; expected one job a line")
        if read > MOST_BYTES:
            raise BadTrace(number, f"the file unpacks to more than {MOST_BYTES:,} bytes; cut it")
        digest.update(line)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as exc:
            raise BadTrace(number, f"not UTF-8: {exc.reason}") from exc
