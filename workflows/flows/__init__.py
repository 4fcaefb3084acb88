"""The one graph: what is computed after what."""
