"""Pages of prices and of funding."""
