"""The notifier on real Kafka, with a real mail server and a real webhook receiver."""
