"""Language understanding: intent, slots, mood and dialogue breakdown of a customer's turn."""
