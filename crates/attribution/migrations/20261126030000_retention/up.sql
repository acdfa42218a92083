-- Drops the oldest day of raw postbacks or of decisions that is older than `keep_days`, and tells its name; null when there
-- is none. One a call, so that each lock is short. The role that serves may not drop tables; it may call this, and this
-- never drops a day that is younger than its own bound, whatever it is asked: a journey waits seven days for its click,
-- and nobody should lose a week by a slip of a setting.
CREATE FUNCTION attribution_drop_partition(parent text, keep_days integer) RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '2s'
AS $$
DECLARE
    partition text;
BEGIN
    IF parent IS NULL OR parent NOT IN ('postbacks', 'decisions') THEN
        RAISE EXCEPTION 'parent must be postbacks or decisions, is %', parent;
    END IF;
    IF keep_days IS NULL OR keep_days < 8 OR keep_days > 3650 THEN
        RAISE EXCEPTION 'keep_days must be 8..=3650, is %', keep_days;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('attribution_make_partitions'));
    SELECT child.relname INTO partition
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = format('public.%I', parent)::regclass
        AND child.relname ~ ('^' || parent || '_[0-9]{8}$')
        AND to_date(right(child.relname, 8), 'YYYYMMDD') < timezone('UTC', now())::date - keep_days
    ORDER BY child.relname LIMIT 1;
    IF partition IS NOT NULL THEN
        EXECUTE format('DROP TABLE public.%I', partition);
    END IF;
    RETURN partition;
END
$$;
