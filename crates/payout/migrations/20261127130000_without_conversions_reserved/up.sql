-- Of conversions_unreleased both are served. Apart from making that one: what builds an index holds writers up, and those that have locked
-- rows before hold this up, so in one transaction each would wait for the other.
DROP INDEX conversions_reserved;
