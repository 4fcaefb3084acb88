"""The phase library: competing phases with their cells, and what is known besides."""
