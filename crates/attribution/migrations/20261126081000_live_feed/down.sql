DROP INDEX decisions_lately;
