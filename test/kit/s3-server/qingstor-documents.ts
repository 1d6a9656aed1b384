import { isNode, nodesOf, readJson, textOf, treeOf } from './json.ts';
import type { XmlNode } from './xml.ts';

/*
 * QingStor writes JSON: https://docsv4.qingcloud.com/user_guide/storage/object_storage/api/ and
 * qingstor-sdk-go, `service/types.go`.
 */

/** Reads what QingStor's clients send, by the names of S3's documents. */
export function readQingstor(text: string): XmlNode {
  const { object_parts: parts, objects, quiet } = readJson(text);
  return {
    Part: nodesOf(parts).map(({ part_number: number, etag }) => ({
      PartNumber: String(number),
      ETag: etag,
    })),
    Object: nodesOf(objects).map(({ key }) => ({ Key: key })),
    Quiet: quiet === true ? 'true' : 'false',
  };
}

type Writer = (node: XmlNode) => Record<string, unknown>;

/** By the name of S3's document. */
const writers: Readonly<Record<string, Writer>> = {
  Error: ({ Code: code, Message: message, RequestId: requestId }) => ({
    code,
    message,
    request_id: requestId,
    url: 'https://docs.qingcloud.com/qingstor/api/common/error_code.html',
  }),
  ListBucketResult: (node) => ({
    name: node['Name'],
    prefix: node['Prefix'],
    delimiter: node['Delimiter'] ?? '',
    marker: node['Marker'],
    limit: Number(node['MaxKeys']),
    keys: nodesOf(node['Contents']).map(listed),
    common_prefixes: nodesOf(node['CommonPrefixes']).map(({ Prefix: prefix }) => prefix),
    has_more: node['IsTruncated'] === 'true',
    next_marker: node['NextMarker'] ?? '',
  }),
  InitiateMultipartUploadResult: ({ Bucket: bucket, Key: key, UploadId: id }) => ({
    bucket,
    key,
    upload_id: id,
  }),
  ListPartsResult: ({ Part: parts }) => ({
    count: nodesOf(parts).length,
    object_parts: nodesOf(parts).map((part) => ({
      part_number: Number(part['PartNumber']),
      size: Number(part['Size']),
      created: part['LastModified'],
      etag: part['ETag'],
    })),
  }),
  ListMultipartUploadsResult: (node) => ({
    name: node['Bucket'],
    has_more: node['IsTruncated'] === 'true',
    next_key_marker: node['NextKeyMarker'] ?? '',
    next_upload_id_marker: node['NextUploadIdMarker'] ?? '',
    uploads: nodesOf(node['Upload']).map((upload) => ({
      key: upload['Key'],
      upload_id: upload['UploadId'],
      created: upload['Initiated'],
    })),
  }),
  DeleteResult: ({ Deleted: deleted }) => ({
    deleted: nodesOf(deleted).map(({ Key: key }) => ({ key })),
    errors: [],
  }),
  ListAllMyBucketsResult: ({ Buckets: buckets }) => {
    const all = isNode(buckets) ? nodesOf(buckets['Bucket']) : [];
    return {
      count: all.length,
      buckets: all.map((bucket) => ({ name: bucket['Name'], created: bucket['CreationDate'] })),
    };
  },
};

function listed(node: XmlNode): Record<string, unknown> {
  return {
    key: node['Key'],
    size: Number(node['Size']),
    modified: Date.parse(textOf(node['LastModified'])) / 1000,
    etag: node['ETag'],
    storage_class: node['StorageClass'],
    encrypted: false,
  };
}

/** Writes a document of S3's as QingStor does. */
export function qingstorDocument(xml: string): string {
  const { root, node } = treeOf(xml);
  return JSON.stringify(isNode(node) ? (writers[root]?.(node) ?? {}) : {});
}
