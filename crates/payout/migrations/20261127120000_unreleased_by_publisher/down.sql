DROP INDEX conversions_unreleased;
