"""What outsiders rely on: schemas, examples, codec, topics."""
