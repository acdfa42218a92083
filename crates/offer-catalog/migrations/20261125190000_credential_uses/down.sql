DROP TABLE credential_uses;
