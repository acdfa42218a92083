DROP TABLE receipts;
DROP TABLE entries;
DROP TABLE accounts;
