"""The parts that stand for the world around the desk."""
