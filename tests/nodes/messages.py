"""Messages held against docs/schemas/agent, by the very code with which the agent's own tests do it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parents[2] / "clients" / "agent" / "tests" / "messages.py"
_spec = importlib.util.spec_from_file_location("agent_messages", _PATH)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

fault, published = _module.fault, _module.published
