"""`latentflow eval` in parts: what is asked, both ways to measure it, what is said of it."""
