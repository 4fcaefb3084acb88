"""GPAW as an engine: plane waves or atomic orbitals, PAW, free, with its own data."""
