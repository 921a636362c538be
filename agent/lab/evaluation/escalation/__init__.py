"""Evaluation of escalation: `hearken evaluate escalation`.

Measures how well dissatisfaction can be predicted from a conversation, and when the pack's rules
hand the same conversations off to a person, turn by turn.
"""
