"""The commands: one file each, and the arguments that they share."""
