DROP TABLE provider_offers, offer_import_rows, offer_imports;
