"""Knowledge: documents in, releases out."""
