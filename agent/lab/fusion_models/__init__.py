"""Networks that join words and voice, as training and evaluation need them."""
