CREATE INDEX offer_import_rows_offer ON offer_import_rows (tenant_id, import_id, offer_id) WHERE offer_id IS NOT NULL;
DROP INDEX offer_import_rows_offer_once;
