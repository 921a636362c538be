"""The `hearken` command line, one module for each command.

May import everything but server.py; imports what is slow to load within the command that needs it.
"""
