"""Whether a run may be trusted: temperature, conserved energy, time step, gaps."""
