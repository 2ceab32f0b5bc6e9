"""Pages of organisations: the list, registering, a page each, who belongs to them, the steward's answer."""
