"""What each page of reservations reads: one function a page, frozen dataclasses out, no writes."""
