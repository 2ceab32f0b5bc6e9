"""`python -m equinode_cli` is the same as the command `equinode`."""

from __future__ import annotations

import sys

from equinode_cli.main import main

sys.exit(main())
