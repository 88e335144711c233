"""CRC-32C against the published check values."""

from latentflow.wire.checksum import crc32c


def test_crc32c_gives_the_check_value_of_the_catalogue() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_crc32c_gives_the_iscsi_standards_values() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
