"""Run the stand-in: python -m workflows.vasp_double."""

from .main import main

if __name__ == "__main__":
    raise SystemExit(main())
