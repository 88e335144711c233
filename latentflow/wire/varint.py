"""Lengths as protobuf writes them: seven bits a byte, the lowest first."""


def varint(number: int) -> bytes:
    """The shortest spelling of a number that is not negative."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
