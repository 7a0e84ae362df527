"""What is done to a real account besides deploying: taking a stack down, looking at AWS itself.

Each tool takes its clients as an argument, so that the tests play it on the local AWS.
"""
