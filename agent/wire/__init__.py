"""Protocol codecs: messages <-> inputs and effects, one file for each protocol.

Imports the core; knows no socket.
"""
