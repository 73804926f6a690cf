"""Message types and codec; knows no domain."""
