-- The object list keeps the CRCs of what was copied, whichever check proved it; parts of an upload keep
-- what that of the whole comes from.

alter table objects add column crc64 text, add column crc64nvme text;

alter table upload_parts add column crc64nvme text;
