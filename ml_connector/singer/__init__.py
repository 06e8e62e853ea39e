"""The two base classes plugins build on: streams that read, targets that deliver."""
