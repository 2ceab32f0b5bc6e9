"""A real job trace, played through policies in simulated time: what each would have made of it."""
