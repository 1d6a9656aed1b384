-- The object list keeps the CRC-64 of what was copied, whichever check proved it.

alter table objects add column crc64 text;
