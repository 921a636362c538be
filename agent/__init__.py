"""The agent: one conversation from the socket to the models, and the tools around it.

Layers, each importing only those after it: cli; console; runtime, replay and lab; handoff and
recordings; inference, privacy, store, wire and actions; understanding and config; core and client;
then the packages dialogs and audio (pyproject.toml, tests/test_architecture.py).
"""
