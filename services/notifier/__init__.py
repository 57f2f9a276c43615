"""What the customer is told, and the senders that tell it, by case."""
