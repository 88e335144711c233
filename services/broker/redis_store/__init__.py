"""The store on Redis or Valkey: hashes, streams and small scripts, as `keys` lays them out."""
