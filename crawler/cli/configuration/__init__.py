"""Settings of a user, checked: their values, the components they name, exceptions of those."""
