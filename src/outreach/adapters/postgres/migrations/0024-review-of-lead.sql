-- What a person was asked about a lead, whatever became of it since.
CREATE INDEX review_lead ON human_review_queue (tenant_id, lead_journey_id);
