"""May a run be trusted: temperature, drift, equilibration."""
