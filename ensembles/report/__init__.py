"""report.html: what a search found, on one page that opens offline.

python -m ensembles.report [RUN]
"""

from ensembles.report.write import try_report, write_report

__all__ = ["try_report", "write_report"]
