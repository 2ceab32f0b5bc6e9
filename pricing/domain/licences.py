"""Which licences, as people write them, let anybody pass on what they cover."""

from __future__ import annotations

import re

# By name alone: a word more could take back what the name gives.
_NAMES = frozenset(
    {
        "cc0", "cc 0", "cc by", "cc by sa", "creative commons zero", "creative commons attribution",
        "creative commons attribution sharealike", "public domain", "pddl", "odbl", "odc by", "odc odbl",
        "odc pddl", "open database license", "licence ouverte", "open licence", "lo", "etalab",
        "licence ouverte etalab", "licence ouverte open licence", "etalab open licence", "dl de by",
        "dl de zero", "ogl", "ogl uk", "open government licence", "open government license", "nlod", "mit",
        "mit license", "mit licence", "bsd", "bsd 2 clause", "bsd 3 clause", "apache", "apache license",
        "apache licence",
    }
)  # fmt: skip
_BETWEEN = re.compile(r"[\s/_-]+")
_VERSION = re.compile(r"(?: version)?(?: v?\d+(?:[. ]\d+)*)?(?: international| universal| deed)?\Z")


def may_be_passed_on(licence: str) -> bool:
    """Only where it is said: without a licence, or with one that is not known here, it may not."""
    said = _BETWEEN.sub(" ", licence.casefold()).strip(" .")
    return said in _NAMES or _VERSION.sub("", said) in _NAMES
