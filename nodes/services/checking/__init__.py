"""Checking nodes: a conformance job in a time when nobody has the devices, and what its report comes to.

A check is due work like any other: a row that a sweep carries forward. The job travels as every job does, as
a lease under a fence, so a node that passes has shown that it can run what people book.
"""

from __future__ import annotations

from nodes.services.checking.asking import ask, begin_spot_checks
from nodes.services.checking.carrying import carry_forward

__all__ = ["ask", "begin_spot_checks", "carry_forward"]
