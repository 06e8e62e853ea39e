"""The stream-map engine: native records of a tap become documents for a target."""
