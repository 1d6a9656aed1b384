import type { SchemeName } from './dialect.ts';
import type { Scheme } from './signed.ts';
import { awsV4 } from './signatures/aws-v4.ts';
import { bce } from './signatures/bce.ts';
import { cos } from './signatures/cos.ts';
import { hmacSchemes } from './signatures/hmac.ts';
import { ossV4 } from './signatures/oss-v4.ts';

export type { Scheme } from './signed.ts';

/** Every way to sign that this server can check, written from the clouds' own descriptions. */
export const schemes: Readonly<Record<SchemeName, Scheme>> = {
  'aws-v4': awsV4,
  'oss-v4': ossV4,
  cos,
  bce,
  ...hmacSchemes,
};
