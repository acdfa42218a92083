DROP INDEX conversions_reserved;
