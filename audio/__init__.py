"""Sound in and sound out."""
