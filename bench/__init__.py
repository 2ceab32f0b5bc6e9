"""What bin/bench measures: nothing here is imported by the site."""
