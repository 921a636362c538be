"""Speech recognition, turn detection, acoustic cues and speech synthesis."""
