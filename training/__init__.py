"""Offline training: labelled videos in, a registered model version out."""
