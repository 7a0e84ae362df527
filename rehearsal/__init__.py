"""A whole maintenance window, rehearsed on this machine.

`python -m rehearsal` starts a local AWS on loopback, deploys the project's own template to it, puts
a load balancer before a small web application, books a window and watches it with real requests:
as a visitor, who must meet the maintenance answer exactly while the window lasts, and as a tester,
who must be served throughout.

`night` runs the window and gathers what was seen; `promises` judges it and does nothing else.
"""
