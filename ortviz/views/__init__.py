"""Recorded results as what a screen can show: pure functions, one file a view."""
