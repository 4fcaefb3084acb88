"""Which energies may be combined, and the formation energy of those that may."""
