"""Everything on one machine: broker, services, a sample desk and its customers."""
