"""VASP as an engine: inputs from a protocol, runs under custodian, exact resumption."""
