"""Code that runs inside a measured process, in either environment; it imports neither package."""
