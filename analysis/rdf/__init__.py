"""Partial radial distribution functions, running coordination and bonds."""
