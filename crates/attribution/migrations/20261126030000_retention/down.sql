DROP FUNCTION attribution_drop_partition(text, integer);
