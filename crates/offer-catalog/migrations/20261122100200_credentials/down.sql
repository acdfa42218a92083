DROP TABLE credential_generations, credentials;
