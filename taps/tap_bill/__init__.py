"""Singer tap for BILL."""
