"""Hands one language model's KV cache to another as a short latent, over gRPC."""

__version__ = "0.1.0"
