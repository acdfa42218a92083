DROP TABLE bulk_status_lines;
DROP TABLE bulk_statuses;
