"""Photographs and drawings: whole, not too many pixels, and without what else their file says.

Where, when and with what a picture was taken, previews and comments are left out; pixels stay as they
are, bit for bit, and so does which way up a photograph is. Nothing is drawn: structure is read, PNG's
compressed pixels are counted.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from common.evidence.faults import Unfit

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 30_000
_PIECE = 1024 * 1024


def stripped(extension: str, content: bytes) -> bytes:
    """The picture alone; Unfit where it is none, is cut off or has too many pixels."""
    try:
        return _STRIPPERS[extension](content)
    except (struct.error, IndexError) as exc:
        raise Unfit("image_broken") from exc


def _require_size(width: int, height: int) -> None:
    if not width or not height:
        raise Unfit("image_broken")
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise Unfit("pixels", width=width, height=height, limit=MOST_PIXELS)


# --- PNG (W3C, third edition) --------------------------------------------------------------------------
_PNG_KEPT = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD")
)
_IHDR = struct.Struct(">IIBBBBB")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Adam7: the first column and row of each pass, and the steps between.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _png(content: bytes) -> bytes:
    kept = [content[:8]]
    inflater, pixels, expected = zlib.decompressobj(), 0, 0
    for name, payload, whole in _png_chunks(content):
        if name == b"IHDR":
            expected = _png_pixels(payload)
        elif name == b"IDAT":
            pixels += _count(inflater, payload, expected - pixels)
        elif name not in _PNG_KEPT and name[:1].isupper():
            raise Unfit("image_broken")  # needed to draw it, and unknown
        if name in _PNG_KEPT:
            kept.append(whole)
    if not expected or pixels != expected:
        raise Unfit("image_broken")
    return b"".join(kept)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, payload and all of each chunk, up to the last; what follows that is none of the picture."""
    position, name = 8, b""
    while name != b"IEND":
        (length,) = struct.unpack_from(">I", content, position)
        end = position + 12 + length
        name, payload = content[position + 4 : position + 8], content[position + 8 : end - 4]
        if (position == 8) != (name == b"IHDR"):
            raise Unfit("image_broken")
        if struct.unpack_from(">I", content, end - 4)[0] != zlib.crc32(payload, zlib.crc32(name)):
            raise Unfit("image_broken")
        yield name, payload, content[position:end]
        position = end


def _png_pixels(header: bytes) -> int:
    """How many bytes its pixels have, with a filter byte for each line."""
    width, height, depth, colour, compression, filtering, interlaced = _IHDR.unpack(header)
    _require_size(width, height)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlaced > 1:
        raise Unfit("image_broken")
    bits = depth * _CHANNELS[colour]
    if not interlaced:
        return int(height * (1 + (width * bits + 7) // 8))
    total = 0
    for left, top, across, down in _PASSES:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return int(total)


def _count(inflater: zlib._Decompress, payload: bytes, room: int) -> int:
    """How many bytes that inflates to; no more of a bomb than a picture of its size has."""
    count = 0
    try:
        while payload and not inflater.eof:
            count += len(inflater.decompress(payload, _PIECE))
            payload = inflater.unconsumed_tail
            if count > room:
                raise Unfit("image_broken")
    except zlib.error as exc:
        raise Unfit("image_broken") from exc
    return count


# --- JPEG (ITU T.81; EXIF 3.0 for which way up) --------------------------------------------------------
_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
# Sought for in a scan: one 0xFF, since a long run of them would be tried anew from each of its bytes.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_SCAN, _END, _COMMENT, _JFIF, _EXIF = 0xDA, 0xD9, 0xFE, 0xE0, 0xE1
_JFIF_LENGTH = 14  # without the preview that may follow


def _jpeg(content: bytes) -> bytes:
    kept, has_frame, has_scan, way_up = [], False, False, 1
    for marker, segment, whole in _jpeg_segments(content):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", segment, 1)
            _require_size(width, height)
            has_frame = True
        has_scan = has_scan or (has_frame and marker == _SCAN)
        if marker == _EXIF:
            way_up = _way_up(segment) or way_up
        if _is_kept(marker, segment):
            kept.append(_without_preview(segment) if marker == _JFIF else whole)
    if not has_scan:
        raise Unfit("image_broken")
    return b"".join([content[:2], *([_exif(way_up)] if way_up != 1 else []), *kept, b"\xff\xd9"])


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, payload and all of each, up to the end of the picture; a scan with its pixels."""
    position = 2
    while True:
        marker, start = _jpeg_marker(content, position)
        if marker == _END:
            return
        end = start + struct.unpack_from(">H", content, start)[0]
        if not start + 2 <= end <= len(content):
            raise Unfit("image_broken")
        payload = content[start + 2 : end]
        position = _end_of_scan(content, end) if marker == _SCAN else end
        yield marker, payload, b"\xff" + bytes([marker]) + content[start:position]


def _jpeg_marker(content: bytes, position: int) -> tuple[int, int]:
    """The marker that must stand here, and where its segment begins."""
    found = _MARKER.match(content, position)
    if found is None:
        raise Unfit("image_broken")
    return found.group(1)[0], found.end()


def _end_of_scan(content: bytes, position: int) -> int:
    found = _NEXT_MARKER.search(content, position)
    if found is None:
        raise Unfit("image_broken")
    return found.start()


def _is_kept(marker: int, segment: bytes) -> bool:
    """Of what applications write (APPn) only how colours are meant."""
    if marker == 0xE2:
        return segment.startswith(b"ICC_PROFILE\x00")
    if marker == 0xEE:
        return segment.startswith(b"Adobe")
    if marker == _JFIF:
        return segment.startswith(b"JFIF\x00") and len(segment) >= _JFIF_LENGTH
    return not (0xE0 <= marker <= 0xEF or marker == _COMMENT)


def _without_preview(segment: bytes) -> bytes:
    """JFIF's segment (ITU T.871, 10.1) with a preview of no columns and no lines: one may show what was
    cut out of the picture."""
    head = segment[: _JFIF_LENGTH - 2] + b"\x00\x00"
    return b"\xff\xe0" + struct.pack(">H", len(head) + 2) + head


def _way_up(segment: bytes) -> int:
    """Orientation, 2 to 8, of EXIF's first directory; 0 where it says none."""
    tiff = segment[6:]
    if not segment.startswith(b"Exif\x00\x00") or tiff[:2] not in (b"II", b"MM"):
        return 0
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for number in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * number)
            if (tag, kind, count) == (0x0112, 3, 1):
                return value if 2 <= value <= 8 else 0
    except struct.error:
        return 0
    return 0


def _exif(way_up: int) -> bytes:
    """EXIF with the orientation and nothing else."""
    tiff = b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, way_up, 0, 0)
    segment = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment


# --- WebP (RFC 9649) -----------------------------------------------------------------------------------
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"))
_SAYS_EXIF_OR_XMP = 0x0C


def _webp(content: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", content, 4)
    end, position, kept, has_pixels = length + 8, 12, [], False
    if end > len(content):
        raise Unfit("image_broken")
    while position < end:
        name = content[position : position + 4]
        (size,) = struct.unpack_from("<I", content, position + 4)
        payload = content[position + 8 : position + 8 + size]
        if len(payload) != size or name == b"ANIM":
            raise Unfit("image_broken")
        if name in _WEBP_SIZES:
            _require_size(*_WEBP_SIZES[name](payload))
            has_pixels = has_pixels or name != b"VP8X"
        if name == b"VP8X":
            payload = bytes([payload[0] & ~_SAYS_EXIF_OR_XMP]) + payload[1:]
        if name in _WEBP_KEPT:
            kept.append(name + struct.pack("<I", size) + payload + b"\x00" * (size % 2))
        position += 8 + size + size % 2
    if not has_pixels:
        raise Unfit("image_broken")
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _vp8(payload: bytes) -> tuple[int, int]:
    if payload[3:6] != b"\x9d\x01\x2a":
        raise Unfit("image_broken")
    width, height = struct.unpack_from("<HH", payload, 6)
    return width & 0x3FFF, height & 0x3FFF


def _vp8l(payload: bytes) -> tuple[int, int]:
    if payload[:1] != b"\x2f":
        raise Unfit("image_broken")
    (bits,) = struct.unpack_from("<I", payload, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _vp8x(payload: bytes) -> tuple[int, int]:
    width, height = payload[4:7] + b"\x00", payload[7:10] + b"\x00"
    return struct.unpack("<I", width)[0] + 1, struct.unpack("<I", height)[0] + 1


_WEBP_SIZES: dict[bytes, Callable[[bytes], tuple[int, int]]] = {b"VP8 ": _vp8, b"VP8L": _vp8l, b"VP8X": _vp8x}
_STRIPPERS: dict[str, Callable[[bytes], bytes]] = {"png": _png, "jpg": _jpeg, "webp": _webp}
