"""Run it here: the project directory, its store and its runner."""
