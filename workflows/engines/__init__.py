"""What computes: the contract of an engine, and the engines."""
