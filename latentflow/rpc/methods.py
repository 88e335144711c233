"""Full names of the methods that plumbing treats apart; knows nothing of how it treats them."""

HEALTH_PREFIX = "/grpc.health.v1.Health/"

# The name in health that channels go by: SERVING from when a server can work until it drains, also
# while what it needs is away. It knows best what to do then.
TAKES_CALLS = "latentflow.calls"

# Calls that last until one side goes: no deadline of the server's ends them.
ENDLESS = frozenset({"/grpc.health.v1.Health/Watch", "/latentflow.v1.BrokerService/Watch"})
