DROP TABLE conversion_decisions;
