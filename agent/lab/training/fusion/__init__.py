"""How is the fusion of words and voice taught, and from which pairs?"""
