"""What is read from the ledger: pages, proofs, and whether it is whole."""

from __future__ import annotations
