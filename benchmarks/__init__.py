"""The figures of the README and of docs/figures.md, each one command."""
