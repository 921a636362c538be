"""How are the embedded models made? One short, resumable run an experiment; imported by nobody."""
