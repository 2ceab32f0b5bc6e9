"""`python -m equinode_agent` is the same as the script `equinode-agent`."""

from __future__ import annotations

import sys

from equinode_agent.cli import main

sys.exit(main())
