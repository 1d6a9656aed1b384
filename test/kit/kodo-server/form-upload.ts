import { crc32 } from 'node:zlib';
import type { Reply } from '../s3-server/call.ts';
import { heldContent } from '../s3-server/content.ts';
import { qetag } from '../s3-server/etags.ts';
import { bucketOf, json, type KodoCall } from './call.ts';
import { classOfType } from './classes.ts';
import { KodoError } from './kodo-error.ts';
import { describedBy } from './metadata.ts';
import { checkFree, checkKey } from './put-policy.ts';
import { policyOf } from './tokens.ts';

/** A whole object in a form: https://developer.qiniu.com/kodo/1312/upload */
export async function formUpload(call: KodoCall): Promise<Reply> {
  const { service } = call;
  const form = await formOf(call);
  const fields = [...form].filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const field = (name: string): string | undefined => fields.find(([each]) => each === name)?.at(1);
  const policy = policyOf(service, field('token') ?? '');
  const file = form.get('file');
  if (file === null || typeof file === 'string') throw new KodoError('invalid multipart format');
  const bytes = Buffer.from(await file.arrayBuffer());
  const sum = field('crc32');
  if (sum !== undefined && Number(sum) !== crc32(bytes)) throw new KodoError('invalid crc32');
  if (bytes.length > policy.sizeMax) throw new KodoError('file size exceeds the limit');
  const bucket = bucketOf(service, policy.bucketName);
  const content = heldContent([bytes]);
  const hash = qetag(content);
  const key = field('key') ?? policy.key ?? hash;
  checkKey(policy, key);
  checkFree(policy, bucket, key, hash);
  const type = file.type === '' ? 'application/octet-stream' : file.type;
  bucket.add({
    ...describedBy(fields, type, service.manners),
    ...{ key, content, etag: hash, storageClass: classOfType(policy.fileType) },
  });
  return json({ hash, key });
}

async function formOf({ headers, body }: KodoCall): Promise<FormData> {
  const init = { headers: { 'content-type': headers['content-type'] ?? '' } };
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is for the large bodies of strangers that it is not recommended
    return await new Response(new Uint8Array(body), init).formData();
  } catch {
    throw new KodoError('invalid multipart format');
  }
}
