"""report.html: what a run found, on one page that opens offline.

python -m ensembles.report [RUN]
"""

from ensembles.report.command import main
from ensembles.report.write import try_report, write_report

__all__ = ["main", "try_report", "write_report"]
