"""Crystals: the library of published cells, each checked and with its source."""
