"""Training and evaluation of the text models and their calibration."""
