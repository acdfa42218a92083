DROP TABLE offer_versions;
DROP TABLE offers;
DROP TABLE tenants;
