"""What the business wants said: packs, flows, replies, knowledge, escalation."""
