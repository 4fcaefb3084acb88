"""Partial radial distribution functions, and running coordination."""
