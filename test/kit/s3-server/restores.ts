import type { Version } from './bucket.ts';
import { type Call, header, type Reply } from './call.ts';
import { versionOf } from './objects.ts';
import { readDocument } from './payload.ts';
import { S3Error } from './s3-error.ts';
import { child, readXml, text } from './xml.ts';

const DAY_MS = 24 * 3600 * 1000;

/** The parameters of a restore, from the body or from headers. */
interface Ask {
  readonly days: number | undefined;
  readonly tier: string;
}

/** The tiers; BOS says LowCost for the last. */
const tiers: ReadonlySet<string> = new Set(['Expedited', 'Standard', 'Bulk', 'LowCost']);

/** Begins to thaw an archived object, or keeps one that is thawed for longer. */
export async function restoreObject(call: Call): Promise<Reply> {
  const { archived, restore } = call.service.dialect;
  if (call.face.restores === false) throw new S3Error('NotImplemented');
  const version = versionOf(call);
  const ask = await asked(call);
  if (!tiers.has(ask.tier)) throw new S3Error('MalformedXML');
  const days = grantedDays(call, ask, version);
  if (!archived.has(version.storageClass)) throw new S3Error(restore.online);
  if (version.restore?.ongoing === true) {
    throw new S3Error('RestoreAlreadyInProgress', 'Object restore is already in progress');
  }
  const again = version.restore !== undefined;
  const askedAt = call.service.now();
  const expiry = askedAt + days * DAY_MS;
  version.restore = { ongoing: !again, expiry, asked: { tier: ask.tier, at: askedAt } };
  return { status: again ? 200 : 202 };
}

/** @throws {S3Error} for days that the cloud does not grant for the class. */
function grantedDays({ service }: Call, ask: Ask, { storageClass }: Version): number {
  const { daysDefault = Number.NaN, daysMax, daysMaxOf } = service.dialect.restore;
  const days = ask.days ?? daysDefault;
  if (Number.isNaN(days)) throw new S3Error('MalformedXML');
  const most = daysMaxOf?.[storageClass] ?? daysMax;
  if (days < 1 || days > most) throw new S3Error('InvalidArgument');
  return days;
}

async function asked(call: Call): Promise<Ask> {
  const body = await readDocument(call);
  const job = call.face.restoreJob;
  if (job === undefined) {
    const days = header(call, 'x-amz-restore-days');
    return {
      days: days === undefined ? undefined : Number(days),
      tier: header(call, 'x-amz-restore-tier') ?? 'Standard',
    };
  }
  if (body === '' && call.service.dialect.restore.daysDefault !== undefined) {
    return { days: undefined, tier: 'Standard' };
  }
  const request = readXml(body, 'RestoreRequest');
  const days = text(request, 'Days');
  return {
    days: days === undefined ? undefined : Number(days),
    tier: text(child(request, job), 'Tier') ?? 'Standard',
  };
}
