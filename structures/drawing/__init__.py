"""Pictures of an interface model, from the side and from above."""
