"""Documents of a pack, and the retrieval of sentences that answer a question.

Imports dialogs.values alone.
"""
