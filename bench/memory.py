"""How much memory a process holds, as the kernel counts it in /proc; Linux only.

RSS counts a page that several processes share in full for each of them, PSS divides it among
them, USS leaves it out.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Megabytes. `peak` is the largest RSS since the process began."""

    rss: float
    pss: float
    uss: float
    peak: float


def memory_of(pid: int) -> Memory:
    now = _megabytes(Path(f"/proc/{pid}/smaps_rollup"))
    return Memory(
        rss=now["Rss"],
        pss=now["Pss"],
        uss=now["Private_Clean"] + now["Private_Dirty"],
        peak=_megabytes(Path(f"/proc/{pid}/status"))["VmHWM"],
    )


def _megabytes(path: Path) -> dict[str, float]:
    """Every line `Name:   123 kB`."""
    lines = (line.split() for line in path.read_text().splitlines() if line.endswith(" kB"))
    return {name.removesuffix(":"): int(kilobytes) * 1024 / 1e6 for name, kilobytes, _ in lines}
