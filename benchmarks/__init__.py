"""The figures, measured: `make bench`."""
