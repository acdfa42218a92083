ALTER TABLE publisher_endpoints
    DROP COLUMN custom_header_name,
    DROP COLUMN custom_header_sealed_value;
