"""Tools for data sets, which no training loads: converters, checks and drawings."""
