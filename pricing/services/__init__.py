"""Every write of pricing, one module per concept."""
