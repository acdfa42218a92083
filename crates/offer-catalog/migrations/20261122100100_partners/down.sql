DROP TABLE publisher_endpoints;
ALTER TABLE issued_tokens DROP CONSTRAINT issued_tokens_tenant_id_publisher_id_fkey;
DROP TABLE publishers, advertisers;
