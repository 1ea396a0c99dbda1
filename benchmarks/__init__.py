"""How fast chainrule trains beside the libraries that people would otherwise take. See README.md."""
