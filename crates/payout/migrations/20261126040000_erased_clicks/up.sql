-- Clicks whose person asked to be forgotten, and what stands in the place of the member: a verdict that was on its way
-- then loses its personal fields when it arrives.
CREATE TABLE erased_clicks (
    tenant_id   uuid        NOT NULL,
    gk_click_id uuid        NOT NULL,
    member      text        NOT NULL,
    erased_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, gk_click_id)
);
