"""One conversation: its events, its session, its models and its wires."""
