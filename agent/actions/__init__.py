"""What a business can do for a customer: the port, its HTTP adapter, the built-in demo bank.

Imports dialogs alone. Every action takes effect at most once for its key.
"""
