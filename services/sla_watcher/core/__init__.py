"""The decisions about clocks: pure, deterministic, without time of their own."""
