"""Netron as ortviz shows it: the files of the installed package, changed to ask nobody anything.

Knows neither tornado nor Jupyter. :mod:`ortviz.netron.files` finds and rewrites files for a
server; :mod:`ortviz.netron.document` makes one HTML string that needs no server.
"""
