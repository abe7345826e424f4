"""The figures that README and issues speak of, measured on this machine: `make bench`. Nothing here is a test."""
