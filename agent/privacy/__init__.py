"""Pseudonymisation of private values, in text, in the models' results and in audio.

Imports the core and dialogs. What has passed here holds surrogates: nothing later masks anew.
"""
