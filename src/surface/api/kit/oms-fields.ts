/**
 * Every field that a request body of OMS v2 has, of any operation and of any version of the SDKs.
 *
 * Source: the request models of the official SDKs: for Python, `huaweicloudsdkoms` of PyPI in the versions
 * 3.0.45, 3.0.80, 3.0.108, 3.1.50, 3.1.100, 3.1.150, 3.1.180, 3.1.194, 3.1.195 and 3.1.219; for Go,
 * `huaweicloud-sdk-go-v3` 0.1.207, which has the same fields. The list is the union of the names in
 * `attribute_map` of all models that the `body` of a `…Request` class leads to, which
 * `test/sdks/python/request_fields.py` prints for the installed version; `npm run test:sdks` compares.
 *
 * The fields of v1 (`enableKMS`, `source_ak`) are left out: its clients call other paths.
 */
export const omsRequestFields: ReadonlySet<string> = new Set([
  ...['ak', 'app_id', 'authentication_key', 'authentication_type', 'bandwidth_policy'],
  ...['behind_filename', 'bucket', 'bucket_name', 'cloud_type', 'connection_string'],
  ...['consistency_check', 'crypto_type', 'data_center', 'description', 'domain', 'dst_ak'],
  ...['dst_bucket', 'dst_crypto_type', 'dst_kms_key_id', 'dst_node', 'dst_region'],
  ...['dst_security_token', 'dst_sk', 'dst_storage_policy', 'enable_failed_object_recording'],
  ...['enable_kms', 'enable_metadata_migration', 'enable_requester_pays', 'enable_restore'],
  ...['end', 'file_name', 'file_path', 'group_id', 'ids', 'json_auth_file', 'keys', 'kms_key_id'],
  ...['language', 'list_file', 'list_file_key', 'list_file_num', 'max_bandwidth'],
  ...['message_template_name', 'migrate_failed_object', 'migrate_since', 'object_key'],
  ...['object_keys', 'object_overwrite_mode', 'obs_bucket', 'page_size', 'prefix', 'protocol'],
  ...['region', 'save_prefix', 'security_token', 'sk', 'smn_config', 'source_cdn'],
  ...['source_cdn_authentication_key', 'source_cdn_crypto_type', 'source_cdn_kms_key_id'],
  ...['src_ak', 'src_bucket', 'src_cloud_type', 'src_crypto_type', 'src_kms_key_id', 'src_node'],
  ...['src_region', 'src_security_token', 'src_sk', 'start', 'task_priority', 'task_type'],
  ...['topic_urn', 'trigger_conditions'],
]);
