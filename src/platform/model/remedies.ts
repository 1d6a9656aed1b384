import type { FailureKind } from './outcome.ts';

/** What a person can do about an object that failed. */
export const remedies: Record<FailureKind, string> = {
  'not-found':
    'The source has no object with this key. If it has been deleted, do nothing: deletions are not synchronized. Otherwise check how the event encodes the key: it is URL-decoded once, and "+" means a space.',
  'no-bucket': 'The bucket does not exist at this address. Check its name, region and endpoint.',
  'changed':
    'The source object changed during each attempt to copy it. Retry it when its writer has finished, or send an event for each change. If nothing writes to it, check what is in front of the source: a proxy or a cache may answer with changing ETags or sizes.',
  'exists':
    'The target has an object with this key, and the task must not overwrite it. Remove it at the target to have it copied, then retry the failed objects.',
  'denied':
    'The credentials do not permit this. Grant them the right, or stop the task and start it with other credentials, then retry the failed objects.',
  'bad-credentials':
    'The store does not accept the credentials. Stop the task, start it with valid credentials, then retry the failed objects.',
  'clock-skew':
    'The clocks of this machine and of the store differ too much. Synchronize them with NTP.',
  'archived':
    'The source object is archived. Restore it at the source cloud, then retry the failed objects; a task with {restore} does that by itself.',
  'full': 'The target is full. Free some space or raise its quota, then retry the failed objects.',
  'refused': 'Fix the problem named above, then retry the failed objects.',
  'throttled':
    'The store limited the rate of requests for too long. Retry the failed objects later.',
  'unavailable':
    'The store answered with internal errors for too long. Retry the failed objects later.',
  'unreachable':
    'The store was not reachable for too long. Check the endpoint, DNS, proxy and firewall, then retry the failed objects.',
  'interrupted':
    'Connections to the store were interrupted, or too slow, too often. Retry the failed objects later.',
  'corrupt':
    'The data had a wrong checksum in every attempt. No wrong data was published. The message names the store and what was compared: check that store and the network to it, then retry the failed objects.',
  'bad-reply':
    'The answer of the store cannot be parsed. Check that the endpoint speaks the protocol of the cloud that the task names.',
  'out-of-order':
    "The store did not list its objects in the order of their names' UTF-8 bytes, so its listing cannot be used page by page. Scans read the whole listing instead. Check whether the bucket has an option that changes the order (a hierarchical namespace, a directory bucket); otherwise report it to the vendor.",
  'stale-cdn':
    'The CDN delivered something else than the source bucket has. Refresh its cache, switch off whatever changes its answers (compression, page optimization), check that its domain leads to this bucket, then retry the failed objects.',
  'unsupported':
    'The store does not support what the task requires. Create a task that requires less, or choose another store.',
  'inconsistent':
    'The copy did not pass the consistency check of the task. Compare the two objects; if the clocks of the stores differ, synchronize them with NTP; then retry the failed objects.',
  'too-large':
    'The object is larger than the target can hold. Divide it, or choose a target that accepts larger objects.',
  'internal': 'An internal error of Bucket Brigade. Its log has the details. Please report it.',
};
