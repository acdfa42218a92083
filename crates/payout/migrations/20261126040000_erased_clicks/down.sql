DROP TABLE erased_clicks;
