DROP INDEX offers_clones;
ALTER TABLE offers DROP COLUMN accepted_warnings;
