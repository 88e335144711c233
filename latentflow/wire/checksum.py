"""The checksum that guards one frame."""

import google_crc32c


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `data`, as an unsigned 32-bit number."""
    return int(google_crc32c.value(data))
