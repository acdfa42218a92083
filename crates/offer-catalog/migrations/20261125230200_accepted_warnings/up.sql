-- The linter's warnings that somebody ticked, each as "<code> <field>: <detail>": asked again only when it says something else.
ALTER TABLE offers ADD COLUMN accepted_warnings text[] NOT NULL DEFAULT '{}';

-- The clones of an offer, for the sum of budgets over its lineage.
CREATE INDEX offers_clones ON offers (tenant_id, cloned_from) WHERE cloned_from IS NOT NULL;
