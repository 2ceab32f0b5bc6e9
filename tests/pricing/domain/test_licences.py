"""What sources let be passed on, by what they say themselves."""

from __future__ import annotations

import pytest

from pricing.domain.licences import may_be_passed_on


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY 4.0", "CC-BY-4.0", "cc by-sa 3.0", "CC0", "CC0 1.0", "CC 0", "Public domain", "ODbL 1.0",
        "ODC-By 1.0", "PDDL", "Licence Ouverte 2.0", "LO 2.0", "Etalab", "DL-DE/BY-2-0", "OGL 3.0",
        "Open Government Licence v3.0", "NLOD 2.0", "MIT", "BSD-3-Clause", "Apache-2.0",
        "CC BY 4.0 International", "cc_by_4.0", "OGL-UK-3.0", "Apache License Version 2.0",
    ],
)  # fmt: skip
def test_what_may_be_passed_on(licence: str) -> None:
    assert may_be_passed_on(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "", "unknown", "All rights reserved", "CC BY-NC 4.0", "CC BY-NC-SA 4.0", "CC-BY-ND", "BY-NC-ND",
        "CC BY 4.0, non-commercial use only", "Proprietary", "ask before re-use", "free to look at",
        "MIT, not for data", "permitted", "submit a request", "log in for terms", "CC BY-SA-NC", "4.0",
        "© MIT, internal use only", "MIT Energy Lab: on request", "CC BY 4.0, no redistribution",
        "no open licence", "closed (BSD excluded)", "none; ask Mr Etalab",
    ],
)  # fmt: skip
def test_what_may_not(licence: str) -> None:
    assert not may_be_passed_on(licence)
