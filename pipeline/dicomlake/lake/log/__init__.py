"""The Delta log: tables made and opened, the part files that a version names, and the history of them."""
