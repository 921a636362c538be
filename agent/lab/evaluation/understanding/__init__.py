"""Evaluation of the text models, on public benchmarks and as shipped."""
