"""What the participants of a soak did, and what the broker must therefore know."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from latentflow.errors import LatentFlowError
from latentflow.latent import LatentId
from latentflow.relay import Receipt, UseCall

Use = tuple[str, str]


class Ledger:
    """A use is begun before the broker is told of it, and noted once the broker said so."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.lost = 0
        self.strange = 0
        self._to_read: set[LatentId] = set()
        self._read: set[LatentId] = set()
        self._begun: defaultdict[LatentId, set[Use]] = defaultdict(set)
        self._noted: defaultdict[LatentId, set[Use]] = defaultdict(set)

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def failed(self, error: LatentFlowError) -> None:
        """For what no fate of a latent explains."""
        self.failures[type(error).__name__] += 1

    def begin(self, call: UseCall) -> None:
        self._begun[call.latent_id].add(_use(call))

    def note(self, call: UseCall) -> None:
        self._noted[call.latent_id].add(_use(call))
        self.count("uses noted")

    def to_read(self, latent_id: LatentId) -> None:
        """It was committed, and nobody means to revoke it."""
        self._to_read.add(latent_id)

    def read(self, latent_id: LatentId) -> None:
        """By a member of its flow's group."""
        self._read.add(latent_id)

    @property
    def unread_share(self) -> float:
        """Of what was to be read."""
        return len(self._to_read - self._read) / max(1, len(self._to_read))

    def noted(self, latent_id: LatentId) -> frozenset[Use]:
        return frozenset(self._noted[latent_id])

    @property
    def used(self) -> list[LatentId]:
        return list(self._begun)

    def compare(
        self, latent_id: LatentId, noted: Iterable[Use], receipts: Iterable[Receipt]
    ) -> None:
        """Counts the `noted` uses that no receipt tells of, and the receipts of no use begun."""
        found = {(receipt.reader, receipt.generation) for receipt in receipts}
        self.lost += len(set(noted) - found)
        self.strange += len(found - self._begun[latent_id])
        self.counts["receipts compared"] += len(found)


def _use(call: UseCall) -> Use:
    return call.reader, call.generation
