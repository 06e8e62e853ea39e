"""One client per finance system; no system knows another."""
