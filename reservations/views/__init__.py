"""Pages of reservations. Rules are the services' business, reading is the selectors'."""
