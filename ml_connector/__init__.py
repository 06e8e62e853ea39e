"""Accounts-payable documents moved between finance systems: what the taps, targets and maps share."""
