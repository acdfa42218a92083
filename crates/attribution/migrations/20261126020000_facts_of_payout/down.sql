DROP TABLE delivery_outcomes;
DROP TABLE conversion_statuses;
DROP TABLE people_decisions;
