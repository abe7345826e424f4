"""`muster gate`: whether a release may be let in, and whether a file says so."""
