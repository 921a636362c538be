"""Speech recognition, turn detection, acoustic cues and speech synthesis.

Imports neither agent nor dialogs. The models use torch; words and turns, then signals, then
audio.types lie below them and do not (pyproject.toml).
"""
