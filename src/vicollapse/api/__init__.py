"""The functions for notebooks and scripts; `import vicollapse` offers them on first use."""
