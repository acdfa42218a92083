-- What the running replicas know of their input; nobody's data, so without a tenant. Rows of replicas that are gone are
-- removed by the others.
CREATE TABLE replicas (
    replica uuid        PRIMARY KEY,
    -- Whether it has just read verdicts late.
    lags    boolean     NOT NULL,
    seen_at timestamptz NOT NULL
);
