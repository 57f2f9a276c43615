"""The shell's parts."""
