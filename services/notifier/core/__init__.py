"""What to tell the customer, and when: pure decisions over the state of each case."""
