import { type Call, header, type Reply } from './call.ts';
import { versionOf } from './objects.ts';
import { readDocument } from './payload.ts';
import { S3Error } from './s3-error.ts';
import { child, readXml, text } from './xml.ts';

const DAY_MS = 24 * 3600 * 1000;

/** What a restore asks, by whichever way. */
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
  const days = ask.days ?? restore.daysDefault ?? Number.NaN;
  if (Number.isNaN(days) || !tiers.has(ask.tier)) throw new S3Error('MalformedXML');
  if (!(days >= 1 && days <= restore.daysMax)) throw new S3Error('InvalidArgument');
  if (!archived.has(version.storageClass)) throw new S3Error(restore.online);
  if (version.restore?.ongoing === true) {
    throw new S3Error('RestoreAlreadyInProgress', 'Object restore is already in progress');
  }
  const again = version.restore !== undefined;
  version.restore = { ongoing: !again, expiry: call.service.now() + days * DAY_MS };
  return { status: again ? 200 : 202 };
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
