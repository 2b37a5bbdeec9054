"""Code that several tests share; ``tests`` is on the path."""
