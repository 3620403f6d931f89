"""The part of psdaq that process files import. It stands last on the path, so that the real one is taken where it is installed."""
