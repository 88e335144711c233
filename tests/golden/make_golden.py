"""Writes the golden files that are missing: `python -m tests.golden.make_golden`.

A file that exists is never rewritten: what was once on the wire must keep its meaning, and a
contract that breaks it is a new version with a folder of its own. No test runs this.
"""

from pathlib import Path

from tests.golden.messages import GOLDEN

FOLDER = Path(__file__).parent / "v1"


def main() -> None:
    for name, golden in GOLDEN.items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(golden.encode(golden.value))


if __name__ == "__main__":
    main()
