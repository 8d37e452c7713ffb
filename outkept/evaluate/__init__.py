"""Judging values: thresholds give a level, the tracker decides when a level is entered."""
