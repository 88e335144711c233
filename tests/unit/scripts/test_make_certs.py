"""`make certs`: who may read what it writes."""

import stat
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_certs.sh"


def test_containers_can_read_all_but_the_key_of_the_ca_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    subprocess.run([SCRIPT, folder], check=True, stdout=subprocess.DEVNULL, umask=0o077)
    assert folder.stat().st_mode & stat.S_IXOTH
    closed = {file.name for file in folder.iterdir() if not file.stat().st_mode & stat.S_IROTH}
    assert closed == {"ca.key"}
