"""Names of spans, stages and attributes, of metrics too: OpenTelemetry's semantic conventions where
one exists, `latentflow.*` where none does. No name here may carry a prompt, a token or a latent.
"""

# Semantic conventions for RPC (stable names).
RPC_SYSTEM = "rpc.system.name"
RPC_METHOD = "rpc.method"
RPC_STATUS_CODE = "rpc.response.status_code"
ERROR_TYPE = "error.type"
GRPC = "grpc"

# Semantic conventions for messaging: a latent is a message, a flow its destination.
MESSAGING_SYSTEM = "messaging.system"
MESSAGING_DESTINATION = "messaging.destination.name"
MESSAGING_MESSAGE_ID = "messaging.message.id"
MESSAGING_BODY_BYTES = "messaging.message.body.size"
MESSAGING_CONSUMER_GROUP = "messaging.consumer.group.name"
MESSAGING_OPERATION = "messaging.operation.name"
MESSAGING_OPERATION_TYPE = "messaging.operation.type"
MESSAGING_BATCH_COUNT = "messaging.batch.message_count"
SEND = "send"
RECEIVE = "receive"

# Semantic conventions for generative AI.
GEN_AI_OPERATION = "gen_ai.operation.name"
GEN_AI_PROVIDER = "gen_ai.provider.name"
GEN_AI_REQUEST_MODEL = "gen_ai.request.model"
GEN_AI_INPUT_TOKENS = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
GEN_AI_FINISH_REASONS = "gen_ai.response.finish_reasons"
TEXT_COMPLETION = "text_completion"

# Semantic conventions for networks.
IO_DIRECTION = "network.io.direction"
INCOMING = "receive"
OUTGOING = "transmit"

# Our own; the system and the provider are this one.
LATENTFLOW = "latentflow"
ERROR_REASON = "latentflow.error.reason"
METHOD = "latentflow.method"
OUTCOME = "latentflow.outcome"
LATENT_SLOTS = "latentflow.latent.slots"
FRAMES = "latentflow.latent.frames"
LATENT_STATE = "latentflow.latent.state"
MEMORY_USE = "latentflow.memory.use"
DELIVERY = "latentflow.delivery"
ADAPTER = "latentflow.adapter"
AGREEMENT = "latentflow.fidelity.agreement"
ROUTE_DEMOTED = "latentflow.route.demoted"
ROUTE_RECOVERED = "latentflow.route.recovered"

# Spans of the stages of a handoff, and of one that is repeated another way.
PREFILL = "prefill"
SUMMARISE = "summarise"
PUBLISH = "publish"
FETCH = "fetch"
INJECT = "inject"
DECODE = "decode"
SHADOW = "shadow"
