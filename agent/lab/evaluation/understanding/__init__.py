"""How good is the text model as a method, on benchmarks others have measured, and as it ships?"""
