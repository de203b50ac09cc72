"""HTTP: the service that faces and integrators speak to."""
