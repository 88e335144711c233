"""`python scripts/check_environment.py PACKAGE...`: who reads the environment.

Rule 6 of the import law: only `__main__.py` and `settings.py` do, which is where a process is put
together; everything else is handed what it needs.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ALLOWED = ("__main__.py", "settings.py")
READERS = ("environ", "environb", "getenv", "getenvb", "putenv", "unsetenv")


def readings(source: str) -> Iterator[int]:
    """The lines on which a module touches the environment of its process."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in READERS and _is_os(node.value):
            yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for name in node.names if name.name in READERS)


def violations(package: Path) -> list[str]:
    files = (path for path in sorted(package.rglob("*.py")) if path.name not in ALLOWED)
    return [f"{path}:{line}" for path in files for line in readings(path.read_text())]


def main(packages: list[str]) -> int:
    found = [place for package in packages for place in violations(Path(package))]
    for place in found:
        sys.stderr.write(f"{place} reads the environment; only {' and '.join(ALLOWED)} may\n")
    return 1 if found else 0


def _is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
