-- An import is about each offer once: the index says so when a row's end is written. To ask for it before would be a look at the
-- rows of an import that the planner has no statistics of yet, and so at all of them.
CREATE UNIQUE INDEX offer_import_rows_offer_once ON offer_import_rows (tenant_id, import_id, offer_id) WHERE offer_id IS NOT NULL;
DROP INDEX offer_import_rows_offer;
