"""Recovery by hand: the commands, the menu to choose from, and what is shown while a procedure runs."""
