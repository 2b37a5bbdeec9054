"""Files that are wrong in seeded ways, and the outcomes that they may have."""
