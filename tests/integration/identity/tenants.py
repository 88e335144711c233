"""A tenants file in a test's hands, and the tokens that only the test knows."""

from pathlib import Path

from latentflow.tenants import new_token, token_hash

EVERY_RIGHT = ("share", "ask", "admin")


class TenantsFile:
    """Written anew, in one step, with each change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tables: dict[str, str] = {}

    def put(
        self, tenant: str, *tokens: str, rights: tuple[str, ...] = EVERY_RIGHT, **quotas: int
    ) -> str:
        """The tenant as it is from now on; its last token, by default a new one."""
        tokens = tokens or (new_token(),)
        lines = [
            f"[tenants.{tenant}]",
            f"tokens = {[token_hash(token) for token in tokens]}",
            f"rights = {list(rights)}",
            *(f"{name} = {limit}" for name, limit in quotas.items()),
        ]
        self._tables[tenant] = "\n".join(lines)
        self.write("\n".join(self._tables.values()))
        return tokens[-1]

    def remove(self, tenant: str) -> None:
        del self._tables[tenant]
        self.write("\n".join(self._tables.values()))

    def write(self, text: str) -> None:
        fresh = self.path.with_suffix(".fresh")
        fresh.write_text(text)
        fresh.replace(self.path)
