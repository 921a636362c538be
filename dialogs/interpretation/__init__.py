"""What a turn does in the dialogue: its act, the slots that it fills, what to ask back.

Imports extraction, the turn draft and what lies below them.
"""
