"""Files that are wrong in seeded ways, and what must become of them."""
