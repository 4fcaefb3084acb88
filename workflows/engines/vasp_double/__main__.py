"""Run the stand-in: python -m ionface.workflows.engines.vasp_double."""

from ionface.workflows.engines.vasp_double.main import main

if __name__ == "__main__":
    raise SystemExit(main())
