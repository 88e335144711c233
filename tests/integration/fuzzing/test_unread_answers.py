"""Receivers and sharers whose streams are opened and hardly read: the work is done without their
clients, whose places others take.
"""

import asyncio

import grpc

from latentflow.rpc.worker import Worker
from latentflow.v1 import receiver_pb2, receiver_pb2_grpc, sharer_pb2, sharer_pb2_grpc
from tests.integration.fuzzing.unread import CALLS_A_CONNECTION, vanishing_readers
from tests.integration.services.callers import Stack
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.readings import resident_bytes
from tests.tiny_pair import TinyPair

ROOM = 2 * CALLS_A_CONNECTION
TIMES = 3
GROWTH_BYTES = 64 * 1024 * 1024

