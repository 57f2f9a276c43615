"""The notifier's core, its texts and the parts of its senders."""
