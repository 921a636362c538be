"""The sans-I/O session of one conversation: inputs in, effects out.

Imports dialogs and audio alone, and neither clock nor randomness nor torch: time, ids and answers
are arguments, so that the same inputs always give the same effects.
"""
