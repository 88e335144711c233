"""The contract's enums beside the domain's, one table each.

UNSPECIFIED and numbers of a later version are refused here: no value is ever guessed.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

from latentflow.calls import FinishReason
from latentflow.errors import InvalidInput
from latentflow.latent import LatentState, Method, Outcome, PositionPolicy
from latentflow.protection import SealAlgorithm
from latentflow.quantisation import Quantisation
from latentflow.v1 import latent_pb2, receiver_pb2
from latentflow.vectors import ElementType

Value = TypeVar("Value")
Number = TypeVar("Number", bound=int)


class EnumTable(Generic[Value, Number]):
    """A one-to-one table of domain values and protobuf numbers."""

    def __init__(self, numbers: Mapping[Value, Number]) -> None:
        self._numbers = numbers
        self._values = {number: value for value, number in numbers.items()}

    def to_proto(self, value: Value) -> Number:
        return self._numbers[value]

    def from_proto(self, number: Number, field: str) -> Value:
        """Raises InvalidInput naming `field` when the number is UNSPECIFIED or unknown."""
        if number not in self._values:
            problem = f"has the unknown number {number}" if number else "must be specified"
            raise InvalidInput(field=field, problem=problem)
        return self._values[number]


METHOD = EnumTable(
    {
        Method.TEXT: latent_pb2.METHOD_TEXT,
        Method.C2C: latent_pb2.METHOD_C2C,
        Method.LCF: latent_pb2.METHOD_LCF,
        Method.LCF_X: latent_pb2.METHOD_LCF_X,
        Method.LCF_PREFIX: latent_pb2.METHOD_LCF_PREFIX,
    }
)
ELEMENT_TYPE = EnumTable(
    {
        ElementType.FLOAT32: latent_pb2.ELEMENT_TYPE_FLOAT32,
        ElementType.UTF8: latent_pb2.ELEMENT_TYPE_UTF8,
    }
)
QUANTISATION = EnumTable(
    {
        Quantisation.NONE: latent_pb2.QUANTISATION_NONE,
        Quantisation.INT8: latent_pb2.QUANTISATION_INT8,
        Quantisation.FLOAT16: latent_pb2.QUANTISATION_FLOAT16,
        Quantisation.BFLOAT16: latent_pb2.QUANTISATION_BFLOAT16,
        Quantisation.GRADED4: latent_pb2.QUANTISATION_GRADED4,
        Quantisation.GRADED2: latent_pb2.QUANTISATION_GRADED2,
        Quantisation.GRADED1: latent_pb2.QUANTISATION_GRADED1,
    }
)
POSITION_POLICY = EnumTable(
    {
        PositionPolicy.PREFIX: latent_pb2.POSITION_POLICY_PREFIX,
        PositionPolicy.ALIGNED: latent_pb2.POSITION_POLICY_ALIGNED,
        PositionPolicy.BROADCAST: latent_pb2.POSITION_POLICY_BROADCAST,
        PositionPolicy.PROMPT: latent_pb2.POSITION_POLICY_PROMPT,
    }
)
SEAL_ALGORITHM = EnumTable(
    {SealAlgorithm.AES_256_GCM: latent_pb2.SEAL_ALGORITHM_AES_256_GCM},
)
LATENT_STATE = EnumTable(
    {
        LatentState.OPEN: latent_pb2.LATENT_STATE_OPEN,
        LatentState.COMMITTED: latent_pb2.LATENT_STATE_COMMITTED,
        LatentState.ABORTED: latent_pb2.LATENT_STATE_ABORTED,
        LatentState.REVOKED: latent_pb2.LATENT_STATE_REVOKED,
    }
)
OUTCOME = EnumTable(
    {
        Outcome.LATENT: receiver_pb2.OUTCOME_LATENT,
        Outcome.TEXT_FALLBACK: receiver_pb2.OUTCOME_TEXT_FALLBACK,
        Outcome.FAILED: receiver_pb2.OUTCOME_FAILED,
    }
)
FINISH_REASON = EnumTable(
    {
        FinishReason.STOP: receiver_pb2.FINISH_REASON_STOP,
        FinishReason.MAX_TOKENS: receiver_pb2.FINISH_REASON_MAX_TOKENS,
    }
)
