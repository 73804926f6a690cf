"""One file per kind of trouble."""
