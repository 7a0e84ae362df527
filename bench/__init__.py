"""Measures the function against an empty one and against one on boto3; `make bench` runs it.

Everything listens on 127.0.0.1 only, and whatever was started is stopped again.
"""
