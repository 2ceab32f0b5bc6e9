"""Pages of people, organisations and projects. Rules are the services' business, reading the selectors'."""
