"""What any long-running scientific program needs: files, processes, signals, tables. Knows nothing about faces."""
