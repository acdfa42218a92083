DROP TABLE delivery_attempts;
DROP TABLE untold;
DROP TABLE deliveries;
