"""What every system fills in."""
