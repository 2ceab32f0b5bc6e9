"""Numbers as people write them: with a decimal comma or point, groups of digits apart, a unit behind."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from common.formats import is_french, number as written

_SPACES = re.compile(r"[\s\u00a0\u202f'’]")
_UNIT = re.compile(r"(?:%|€|EUR)$")
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
# Groups of three: 280,000 or 1,280,000.50. Nobody groups from a zero: 0,145 is a decimal comma.
_ENGLISH = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_GERMAN = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}(?:,[0-9]*)?|[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]*"
)
MOST_DIGITS = 24  # within Python’s 28, so that nothing is rounded


def read_number(text: str, *, is_comma_decimal: bool | None = None) -> Decimal | None:
    """What somebody wrote as a number; None for what is none.

    `1,500` is a thousand and a half in English and one and a half in French; everything else means the
    same in both.
    """
    comma = is_french() if is_comma_decimal is None else is_comma_decimal
    bare = _UNIT.sub("", _SPACES.sub("", text).replace("\N{MINUS SIGN}", "-"))
    if len(bare) > MOST_DIGITS:
        return None
    if _GERMAN.fullmatch(bare):
        bare = bare.replace(".", "").replace(",", ".")
    elif _ENGLISH.fullmatch(bare) and not (comma and bare.count(",") == 1 and "." not in bare):
        bare = bare.replace(",", "")
    elif bare.count(",") == 1:
        bare = bare.replace(",", ".")
    return Decimal(bare) if _PLAIN.fullmatch(bare) else None


class NumberField(forms.CharField):
    """A decimal number in a field that takes text: a browser's number field loses what it cannot read.

    `hundredfold` is for a share that people write in per cent: 72 is 0.72.
    """

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def __init__(self, *, hundredfold: bool = False, example: str = "", **options: Any) -> None:
        super().__init__(max_length=80, **options)
        self.hundredfold, self.example = hundredfold, example

    def clean(self, value: Any) -> Any:
        text: str = super().clean(value)
        if not text:
            return None
        number = read_number(text)
        if number is None:
            raise ValidationError(
                _("“%(text)s” is not a number. Write digits, such as %(example)s.")
                % {"text": text, "example": written(self.example or "1200.50")},
                code="not_a_number",
            )
        return number.scaleb(-2) if self.hundredfold else number
