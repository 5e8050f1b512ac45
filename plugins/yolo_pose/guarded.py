"""Import this first, and what follows may import ultralytics at the top of the file."""

from .guard import ultralytics

ultralytics()
