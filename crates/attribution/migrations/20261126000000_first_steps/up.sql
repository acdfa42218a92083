-- Rule 15: which of a member's clicks did an event of an offer first. Written once, by whoever commits first, and never
-- changed: who comes later reads the winner's click here. The member is a digest of `pub_member_id`: all keys have one
-- length, and no text of a person is kept. An offer belongs to one publisher for ever, so the offer tells the members of
-- two publishers apart.
CREATE TABLE first_steps (
    tenant_id      uuid        NOT NULL,
    offer_id       uuid        NOT NULL,
    member         bytea       NOT NULL CHECK (length(member) = 32),
    offer_event_id uuid        NOT NULL,
    click_id       uuid        NOT NULL,
    claimed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, offer_id, member, offer_event_id)
);
