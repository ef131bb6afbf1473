"""vicollapse: will variational inference collapse, why, and what prevents it?"""
