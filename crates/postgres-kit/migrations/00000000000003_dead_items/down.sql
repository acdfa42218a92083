DROP TABLE dead_items;
