"""Language understanding: intent, slots, mood and dialogue breakdown of a customer's turn.

Runs in the models' process. Imports dialogs and audio alone.
"""
