ALTER TABLE conversions DROP COLUMN unpaid_for;
DROP TABLE advertisers;
