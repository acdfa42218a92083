DROP TABLE offer_raises;
