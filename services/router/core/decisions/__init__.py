"""Command to facts. Nothing here changes the state."""
