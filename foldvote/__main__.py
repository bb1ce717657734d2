"""`python -m foldvote`, the same as `foldvote`."""

from foldvote.command import main

raise SystemExit(main())
