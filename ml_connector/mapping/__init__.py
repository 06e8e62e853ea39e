"""The engine behind the maps: records of a source become documents."""
