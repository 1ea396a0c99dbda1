"""Early layers learn simple features (*Building blocks*): the weights of the first layer, seen as pictures."""

import struct
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np

from chainrule.errors import RequestError
from chainrule.notes.array_checks import Floats, require_entries

__all__ = ["first_layer_pictures", "save_first_layer_pictures"]


def first_layer_pictures(parameters: Mapping[str, Floats], shape: tuple[int, ...]) -> Floats:
    """Row j of W[1] as the picture that excites unit j the most, (n[1], *shape), each stretched over [0, 1].

    ``shape`` is that of an input: (height, width), or (height, width, 3) for colours. A unit whose weights are all
    equal gives an even 0.5. RequestError: ``shape`` does not have n[0] numbers.

    >>> first_layer_pictures({"W1": np.array([[-1.0, 0.0, 1.0, 3.0]])}, (2, 2)).tolist()
    [[[0.0, 0.25], [0.5, 1.0]]]
    """
    require_entries("parameters", parameters, "W1")
    W = parameters["W1"]
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or np.prod(shape) != W.shape[1]:
        raise RequestError(
            f"shape is (height, width) or (height, width, 3) with n[0] = {W.shape[1]} numbers in all, not {shape}."
        )
    lowest, highest = W.min(axis=1, keepdims=True), W.max(axis=1, keepdims=True)
    spread = highest - lowest
    stretched = np.where(spread > 0.0, (W - lowest) / np.where(spread > 0.0, spread, 1.0), 0.5)
    return stretched.reshape(len(W), *shape)


def save_first_layer_pictures(
    parameters: Mapping[str, Floats], shape: tuple[int, ...], path: str | PathLike[str], *, zoom: int = 8
) -> None:
    """Write the pictures of all units into one PNG, side by side in a square, ``zoom`` dots a pixel.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_first_layer_pictures({"W1": np.eye(4)}, (2, 2), Path(folder, "units.png"))
    ...     Path(folder, "units.png").read_bytes()[1:4]
    b'PNG'
    """
    pictures = first_layer_pictures(parameters, shape).repeat(zoom, axis=1).repeat(zoom, axis=2)
    Path(path).write_bytes(_png(np.rint(255.0 * _mosaic(pictures)).astype(np.uint8)))


def _mosaic(pictures: Floats) -> Floats:
    """All pictures in rows and columns, with a white line of two dots between them."""
    count, height, width = pictures.shape[:3]
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    canvas = np.ones((rows * (height + 2) - 2, columns * (width + 2) - 2, *pictures.shape[3:]))
    for j, picture in enumerate(pictures):
        top, left = (j // columns) * (height + 2), (j % columns) * (width + 2)
        canvas[top : top + height, left : left + width] = picture
    return canvas


def _png(dots: Floats) -> bytes:
    """Bytes (height, width) of grey or (height, width, 3) of red, green, blue, as a PNG file (ISO/IEC 15948)."""
    height, width = dots.shape[:2]
    grey_or_colour = 0 if dots.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 8, grey_or_colour, 0, 0, 0)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), dots.reshape(height, -1)], axis=1)  # 0: no filter
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
