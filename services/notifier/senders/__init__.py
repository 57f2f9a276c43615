"""The senders: requested updates leave for mail servers and adapters, and what came of each comes back."""
