"""From what providers send to what a message holds: pure functions, each bounded in time and in size."""
