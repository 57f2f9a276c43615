"""A clock for every promise, by case."""
