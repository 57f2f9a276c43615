"""Urgency x impact, the right person, offers and assignments. One writer for each desk."""
