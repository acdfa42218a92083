DROP TABLE postback_endpoints;
DROP TABLE publishers;
DROP TABLE currency_rates;
DROP TABLE tenants;
