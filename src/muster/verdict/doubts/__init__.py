"""Why a green is not believed although the figures are good, or why the data say nothing at all."""
