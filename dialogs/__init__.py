"""Dialogue engine: packs, flows, replies, knowledge retrieval, escalation; pure, no I/O."""
