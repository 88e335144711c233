"""Certificates as `make certs` makes them, in a folder of a test's own."""

import subprocess
from pathlib import Path
from typing import Any

from latentflow.rpc.access import Credentials, of_service
from latentflow.rpc.certificates import CertificateFiles

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_certs.sh"


class Certificates:
    """A CA and the services' certificates; `renew` issues all of these anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.renew()

    def renew(self) -> None:
        subprocess.run([SCRIPT, self.folder], check=True, stdout=subprocess.DEVNULL)

    def settings(self, service: str) -> dict[str, Any]:
        """Fields of a service's settings."""
        return {
            "certificate": self.folder / f"{service}.pem",
            "key": self.folder / f"{service}.key",
            "ca": self.ca,
        }

    def files(self, service: str) -> CertificateFiles:
        chain, key = self.folder / f"{service}.pem", self.folder / f"{service}.key"
        return CertificateFiles(chain=chain, key=key, ca=self.ca)

    def credentials(self, service: str) -> Credentials:
        """What the service shows to another one."""
        return of_service(self.files(service).watched())
