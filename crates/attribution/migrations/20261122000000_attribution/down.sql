DROP FUNCTION attribution_make_partitions(integer);
DROP TABLE rejudgements, replicas, decisions, postbacks, conversions, journey_postbacks, journeys, offer_versions, offers, credentials, tenants;
