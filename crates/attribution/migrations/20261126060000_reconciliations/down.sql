DROP TABLE reconciliation_counts, reconciliation_lines, reconciliations;
