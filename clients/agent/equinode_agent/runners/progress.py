"""How far the fetching of an image is, read from what an engine draws on a terminal."""

from __future__ import annotations

import re

# Both engines redraw a line for each layer: podman "Copying blob 5b6b… [=>---] 1.2MiB / 28.0MiB", docker
# "5b6b…: Downloading [=>   ] 1.2MB/28MB". Sizes are decimal or binary as they say.
LAYER = re.compile(
    r"(?:Copying blob (?:sha256:)?(?P<podman>[0-9a-f]{12})|(?P<docker>[0-9a-f]{12}): Downloading)"
    r"[^\r\n]*?(?P<done>[0-9.]+)\s?(?P<unit>[kKMGT]?i?)B\s?/\s?(?P<whole>[0-9.]+)\s?(?P<of>[kKMGT]?i?)B"
)
DONE = re.compile(r"Copying blob (?:sha256:)?(?P<podman>[0-9a-f]{12})[^\r\n]*\bdone\b")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}
MIB = 1 << 20
# A piece of a line waits for its rest, and no more than a line can be.
LONGEST_LINE = 4096


class Progress:
    """Fed with what is drawn; says how much there is and has come, as far as the engine told."""

    def __init__(self) -> None:
        self._rest = ""
        self._layers: dict[str, tuple[float, float]] = {}

    def take(self, drawn: str) -> None:
        text = CONTROL.sub("\n", self._rest + drawn)
        *lines, self._rest = re.split(r"[\r\n]", text)
        self._rest = self._rest[-LONGEST_LINE:]
        for line in lines:
            self._read(line)

    def _read(self, line: str) -> None:
        if found := LAYER.search(line):
            layer = found["podman"] or found["docker"]
            whole = _bytes(found["whole"], found["of"])
            self._layers[layer] = (min(_bytes(found["done"], found["unit"]), whole), whole)
        elif (found := DONE.search(line)) and found["podman"] in self._layers:
            whole = self._layers[found["podman"]][1]
            self._layers[found["podman"]] = (whole, whole)

    @property
    def came(self) -> float:
        return sum(done for done, _whole in self._layers.values())

    @property
    def whole(self) -> float:
        return sum(whole for _done, whole in self._layers.values())

    def sentence(self) -> str:
        """Such as “12.0 of 29.5 MiB, 3 layers”; empty while nothing is known."""
        if not self._layers:
            return ""
        return f"{self.came / MIB:.1f} of {self.whole / MIB:.1f} MiB, {len(self._layers)} layers"


def _bytes(number: str, unit: str) -> float:
    try:
        value = float(number)
    except ValueError:
        return 0.0
    base = 1024 if unit.endswith("i") else 1000
    return float(value * base ** POWERS[unit.removesuffix("i")])
