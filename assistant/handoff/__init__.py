"""Hand-over: a resident who wants a person, the staff members who are there, and the calls between them."""
