DROP INDEX conversions_of_reason;
DROP INDEX conversions_on_review_by_reason;
DROP INDEX conversions_on_review;
