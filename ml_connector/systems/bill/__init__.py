"""BILL (API v3): settings, login, calls, errors and lists."""
