"""The command line and the live view."""
