"""What is asked, and when an answer is right: the same for the prober, the procedures and whoever looks once."""
