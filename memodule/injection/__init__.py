"""Facial movements of known size and timing, added to recordings."""
