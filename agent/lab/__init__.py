"""Training, evaluation and benchmarks of the models: offline code.

Nothing that serves imports it, only the command line. Of its parts bench may import evaluation,
evaluation training, and training the fusion models. Under the figures of all of them lie one
bootstrap (`statistics`), one set of metrics, and one shape each for figures and goals.
"""
