"""`python -m lstmfcn`."""

from lstmfcn.cli import main

main()
