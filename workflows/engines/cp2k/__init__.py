"""CP2K as an engine: Gaussians and plane waves, free, for large cells at Γ."""
