"""Loopback stand-ins of finance systems, as strict as the real ones, for trying, testing and measuring."""
