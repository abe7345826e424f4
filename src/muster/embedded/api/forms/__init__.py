"""The forms of what goes over the wire: bodies as they are read, answers and tables as they are written."""
