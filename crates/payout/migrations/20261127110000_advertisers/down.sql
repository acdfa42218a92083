DROP TABLE advertisers;
