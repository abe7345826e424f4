"""What is shown of a picture: panels of lines, each of them pure functions of picture, time and width.

Every meaning is in words and marks: `✓` fine, `✗` wrong, `?` not seen, `~` not decided. Colour only repeats it.
"""
