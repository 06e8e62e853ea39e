"""What carries a document to its target: decide, write ahead, send, learn the outcome, read back."""
