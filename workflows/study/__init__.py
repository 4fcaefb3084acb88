"""What the user wrote: studies, protocols, settings, and messages about mistakes."""
