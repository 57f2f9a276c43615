"""Provider webhooks to message events. Stateless."""
