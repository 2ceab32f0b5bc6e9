"""Bidding zones by the code that ENTSO-E gives them (EIC, type Y), as its platform lists them."""

from __future__ import annotations

EIC = {
    "10YAT-APG------L": "AT",
    "10YBE----------2": "BE",
    "10YCA-BULGARIA-R": "BG",
    "10YCH-SWISSGRIDZ": "CH",
    "10YCZ-CEPS-----N": "CZ",
    "10Y1001A1001A82H": "DE-LU",
    "10YDK-1--------W": "DK1",
    "10YDK-2--------M": "DK2",
    "10Y1001A1001A39I": "EE",
    "10YES-REE------0": "ES",
    "10YFI-1--------U": "FI",
    "10YFR-RTE------C": "FR",
    "10YGB----------A": "GB",
    "10YGR-HTSO-----Y": "GR",
    "10YHR-HEP------M": "HR",
    "10YHU-MAVIR----U": "HU",
    "10Y1001A1001A59C": "IE-SEM",
    "10Y1001C--00096J": "IT-Calabria",
    "10Y1001A1001A70O": "IT-Centre-North",
    "10Y1001A1001A71M": "IT-Centre-South",
    "10Y1001A1001A73I": "IT-North",
    "10Y1001A1001A74G": "IT-Sardina",  # spelt as in the price files that are imported elsewhere
    "10Y1001A1001A75E": "IT-Sicily",
    "10Y1001A1001A788": "IT-South",
    "10YLT-1001A0008Q": "LT",
    "10YLV-1001A00074": "LV",
    "10YNL----------L": "NL",
    "10YNO-1--------2": "NO1",
    "10YNO-2--------T": "NO2",
    "10YNO-3--------J": "NO3",
    "10YNO-4--------9": "NO4",
    "10Y1001A1001A48H": "NO5",
    "10YPL-AREA-----S": "PL",
    "10YPT-REN------W": "PT",
    "10YRO-TEL------P": "RO",
    "10YCS-SERBIATSOV": "RS",
    "10Y1001A1001A44P": "SE1",
    "10Y1001A1001A45N": "SE2",
    "10Y1001A1001A46L": "SE3",
    "10Y1001A1001A47J": "SE4",
    "10YSI-ELES-----O": "SI",
    "10YSK-SEPS-----K": "SK",
}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"


def check_character(code: str) -> str:
    """The sixteenth character of an EIC from its first fifteen (ENTSO-E, EIC reference manual)."""
    weighted = sum(_DIGITS.index(letter) * (16 - place) for place, letter in enumerate(code[:15]))
    return _DIGITS[36 - (weighted - 1) % 37]
