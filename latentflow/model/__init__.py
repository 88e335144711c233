"""The torch side: frozen models, their caches, adapters and decoding.

Knows nothing of grpc, redis or protobuf; it meets the rest only in the values of `latent.py`.
"""
