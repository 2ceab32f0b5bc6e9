"""Files that people hand in as evidence: told by their content, kept by their digest.

Pure in `kinds`, `pdf`, `images` and `tables`; where they are kept is `store`'s business. No table: who
handed a file in and who may read it, an app says.
"""

from __future__ import annotations
