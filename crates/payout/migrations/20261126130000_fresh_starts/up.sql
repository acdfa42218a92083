-- How often an endpoint has started afresh, by another URL or a person. An attempt remembers the number it was claimed under: what
-- the old URL answers to it later says nothing of the new one.
ALTER TABLE endpoint_conditions ADD COLUMN starts bigint NOT NULL DEFAULT 0;
