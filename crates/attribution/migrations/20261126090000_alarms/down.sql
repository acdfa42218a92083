DROP TABLE alarms, alarm_watch, alarm_hours;
