"""Why a file is not kept: a code for the sentence, and the numbers in it."""

from __future__ import annotations


class Unfit(ValueError):
    def __init__(self, code: str, **details: int | str) -> None:
        super().__init__(code)
        self.code, self.details = code, details
