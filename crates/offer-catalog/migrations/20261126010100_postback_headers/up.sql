-- A header of the publisher's own on the postbacks it gets. Its value is sealed like the signing secret.
ALTER TABLE publisher_endpoints
    ADD COLUMN custom_header_name         text,
    ADD COLUMN custom_header_sealed_value bytea,
    ADD CHECK ((custom_header_name IS NULL) = (custom_header_sealed_value IS NULL));
