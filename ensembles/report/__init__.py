"""report.html: what a run found, on one page that opens offline.

python -m ensembles.report [RUN]
"""
