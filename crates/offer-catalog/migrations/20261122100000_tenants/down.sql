DROP TABLE issued_tokens, tenants;
