"""The models' process and its asyncio front in the server.

engine.py, in_flight.py, transport.py and vad_batcher.py run in the server; worker.py and
scheduler.py in the models' process, the only one that loads torch; messages.py is what passes
between the two. Imports core, config and understanding.
"""
