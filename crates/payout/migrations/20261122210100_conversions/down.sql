DROP TABLE conversion_history;
DROP TABLE conversions;
