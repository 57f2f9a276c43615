"""The four deployables. None imports another."""
