"""What holds for every sequence of events."""
