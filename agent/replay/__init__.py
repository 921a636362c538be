"""How is a recorded conversation run again, and what would have been decided?"""
