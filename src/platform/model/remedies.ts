import type { FailureKind } from './outcome.ts';

/** What a person can do about an object that failed. */
export const remedies: Record<FailureKind, string> = {
  'not-found':
    'The source has no object of this name. If it was deleted since, nothing is to be done: deletions are not synchronized. Else check how the event wrote the key: it is URL-decoded once, and "+" means a space.',
  'no-bucket': 'The bucket does not exist at this address. Check its name, region and endpoint.',
  'changed':
    'The source changed each time while it was copied. Retry it when its writer is done; every change is also copied when an event names it. If nothing writes to it, check what is in front of the source: a proxy or a cache may answer with changing ETags or sizes.',
  'exists':
    'The target has an object of this name, and nothing may be replaced. Remove it there to have it copied, then retry the failed objects.',
  'denied':
    'The credentials may not do this. Give them the right, or start the task with others, and retry the failed objects.',
  'bad-credentials':
    'The store does not accept the credentials. Stop the task, start it with valid ones, and retry the failed objects.',
  'clock-skew': 'The clocks of this machine and the store differ too much. Set them by NTP.',
  'archived':
    'The source object is archived. Restore it at the source cloud, then retry the failed objects; a task with {restore} does that by itself.',
  'full':
    'The target takes no more bytes. Make room or raise its quota, then retry the failed objects.',
  'refused': 'Mend what is said here, then retry the failed objects.',
  'throttled': 'The store asked for fewer requests for too long. Retry the failed objects later.',
  'unavailable':
    'The store answered with errors of its own for too long. Retry the failed objects later.',
  'unreachable':
    'The store could not be reached for too long. Check the endpoint, DNS, proxy and firewall, then retry the failed objects.',
  'interrupted': 'Connections to the store broke off too often. Retry the failed objects later.',
  'corrupt':
    'The bytes did not have the checksum that they should have, in every attempt. No wrong bytes were published. The message names the store and what was compared: check that store and the network to it, then retry the failed objects.',
  'bad-reply':
    'The store answered with something that cannot be understood. Check that the endpoint speaks the protocol of the cloud that the task names.',
  'out-of-order':
    "The store did not list its objects in the order of their names' UTF-8 bytes, so its listing cannot be compared. See whether the bucket has an option that changes the order (a hierarchical namespace, a directory bucket); else report it to the vendor.",
  'stale-cdn':
    'The CDN gave something else than the source bucket has. Refresh its cache, switch off there whatever changes what it sends (compression, page optimization), see that its domain leads to this bucket, then retry the failed objects.',
  'unsupported':
    'The store cannot do what the task asks for. Make a task that asks for less, or choose another store.',
  'inconsistent':
    'The copy did not pass the consistency check of the task. Compare the two objects; if their clocks differ, set them by NTP; then retry the failed objects.',
  'too-large':
    'The object is larger than the target can hold. Divide it, or choose a target that takes larger ones.',
  'internal': 'An error of Bucket Brigade itself; its log has the details. Please report it.',
};
