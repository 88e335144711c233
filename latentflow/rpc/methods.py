"""Full names of the methods that plumbing treats apart; knows nothing of how it treats them."""

HEALTH_PREFIX = "/grpc.health.v1.Health/"

# Calls that last until one side goes: no deadline of the server's ends them.
ENDLESS = frozenset({"/grpc.health.v1.Health/Watch", "/latentflow.v1.BrokerService/Watch"})
