-- What a token is for, within the rights of its role. Absent: everything, as of tokens that are older than scopes.
ALTER TABLE api_tokens ADD COLUMN scopes text[];
