"""Bytes as text, as a page holds them."""

import base64
import zlib

BASE64 = 4 / 3


def deflated(content: bytes) -> str:
    """Give base64 of the deflated bytes, without a header."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    return base64.b64encode(squeeze.compress(content) + squeeze.flush()).decode()
