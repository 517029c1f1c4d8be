"""The documentation site: pages made from the code, and screenshots made from the running parts."""
