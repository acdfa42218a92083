DROP TABLE creatives;
