"""Open data: what a dataset declares, how it is read at one moment, and the files that are made of it.

The datasets themselves stand in the apps whose rows they are; reservations.selectors.catalogue has them all.
"""

from __future__ import annotations
