"""Singer tap for Workday Financial Management."""
