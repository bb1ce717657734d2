"""report.html: what a search found, on one page that opens offline.

python -m search.report [RUN]
"""

from search.report.write import write_report

__all__ = ["write_report"]
