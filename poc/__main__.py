"""`python -m poc` is the command `poc`."""

from poc.cli import main

if __name__ == "__main__":
    main()
