"""Labelling frames in a browser on this machine, and label files of other tools."""
