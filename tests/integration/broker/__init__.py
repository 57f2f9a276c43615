"""The broker, three ways, and the topics on it."""
