"""The store in this process: for tests, and for a single broker that may forget at its end."""
