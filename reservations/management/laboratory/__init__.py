"""What `manage.py simulate` reads and writes: trace and policy files, the table, the page."""
