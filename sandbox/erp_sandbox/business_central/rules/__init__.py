"""What a write has to obey, entity by entity (sheet 4)."""
