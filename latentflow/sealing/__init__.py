"""Keys: sealing a latent's frames for a tenant, signing its commit. The only user of cryptography.

Knows the domain's values and no protobuf, no calls and no models; the broker never loads it.
"""
