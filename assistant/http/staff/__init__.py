"""The pages of staff: a frame that every page stands in, and the pages of accounts."""
