"""Which files a job asked to have back: patterns that cost little to match, whoever wrote them."""

from __future__ import annotations

import fnmatch
import re

# Part by part and state by state. One regular expression for the whole would try every way to share out
# `**/**/**/`: minutes for a name of twenty folders, in which this agent could do nothing else.
EVERY_FOLDER = None


class Pattern:
    """`*` and `?` stay inside one folder, `**` is any number of them; a folder brings all that is in it."""

    def __init__(self, text: str) -> None:
        parts = [part for part in text.split("/") if part not in ("", ".")]
        # A bracket that makes no sense to fnmatch matches nothing, or itself; it is never an error.
        self._parts = [
            EVERY_FOLDER if part == "**" else re.compile(fnmatch.translate(part)) for part in parts
        ]

    def __bool__(self) -> bool:
        """Whether it names anything below the job's folder."""
        return bool(self._parts)

    def matches(self, name: str) -> bool:
        """Whether the file of this relative path is wanted."""
        whole = len(self._parts)
        reached = self._without_folders({0})
        for step in name.split("/"):
            if whole in reached:
                return True
            reached = self._without_folders({after for at in reached for after in self._after(at, step)})
        return whole in reached

    def _after(self, at: int, step: str) -> list[int]:
        part = self._parts[at]
        if part is EVERY_FOLDER:
            return [at]
        return [at + 1] if part.match(step) else []

    def _without_folders(self, reached: set[int]) -> set[int]:
        """`**` may also be no folder at all."""
        everywhere = set(reached)
        for at in reached:
            while at < len(self._parts) and self._parts[at] is EVERY_FOLDER:
                at += 1
                everywhere.add(at)
        return everywhere
